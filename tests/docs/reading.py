"""Reads documents and test files as text, for the tests of the documents."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def documents() -> list[Path]:
    """Return every document that is written by hand."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "protos/README.md", ROOT / "deploy/README.md"]
    return [*found, *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    """Return a path as documents write it."""
    return str(path.relative_to(ROOT))


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of a document: rows of cells, the header row first."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not inside:
            found.append([cells])
            inside = True
        elif set("".join(cells)) - set("-: "):
            found[-1].append(cells)
    return found


@cache
def tests_in(path: str) -> frozenset[str]:
    """Return the tests of a file: `test_function` and `TestClass::test_method`."""
    tree = ast.parse((ROOT / path).read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for group in tree.body:
        if isinstance(group, ast.ClassDef):
            names |= {f"{group.name}::{node.name}" for node in group.body if isinstance(node, ast.FunctionDef)}
    return frozenset(names)


def is_missing(test: str) -> bool:
    """Return whether a named test (`tests/file.py::Class::method`) is not there."""
    path, _, name = test.partition("::")
    return not (ROOT / path).is_file() or not name.rpartition("::")[2].startswith("test_") or name not in tests_in(path)
