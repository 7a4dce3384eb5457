"""Which rights to change and delete rows a service's own statements need on its tables, read from its source.

INSERT is not looked at: rows are added by statements that are put together in too many ways, and nothing is lost by them.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
# Core's constructors and the right each needs; house style names PostgreSQL's insert `upsert`.
_CORE = {"insert": "", "upsert": "", "update": "UPDATE", "delete": "DELETE"}
_INSERT = re.compile(r"\bINSERT\s+INTO\s+([a-z_]+)", re.IGNORECASE)
_PLAIN = (
    (re.compile(r"(?<!FOR )(?<!FOR NO KEY )(?<!DO )\bUPDATE\s+([a-z_]+)", re.IGNORECASE), "UPDATE"),
    (re.compile(r"\bDELETE\s+FROM\s+([a-z_]+)", re.IGNORECASE), "DELETE"),
)
_FROM = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)", re.IGNORECASE)
_LOCKS = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE)\b|\bFOR\s+KEY\s+SHARE\b", re.IGNORECASE)
_UPSERTS = re.compile(r"\bDO\s+UPDATE\b", re.IGNORECASE)


def needed_rights(service: str, tables: set[str]) -> dict[str, set[str]]:
    """Return table -> which of UPDATE and DELETE a statement of the service, the chassis or an operator's tool needs."""
    found: dict[str, set[str]] = defaultdict(set)
    names = _table_names(service)
    for path in (*(ROOT / "services" / service).rglob("*.py"), *(ROOT / "meshkit").rglob("*.py"), *_tools()):
        if "migrations" not in path.parts:
            for table, right in _of_module(ast.parse(path.read_text())):
                if right:
                    found[names.get(table, table)].add(right)
    return {table: found[table] for table in tables}


def _table_names(service: str) -> dict[str, str]:
    """Return variable -> table, where they are called differently."""
    schema = importlib.import_module(f"services.{service}.schema")
    modules = [schema, *(module for module in vars(schema).values() if isinstance(module, ModuleType))]
    return {name: value.name for module in modules for name, value in vars(module).items() if isinstance(value, Table)}


def _tools() -> Iterator[Path]:
    for folder in ("cli", "tools"):
        yield from (ROOT / "deploy" / folder).glob("*.py")


def _of_module(module: ast.Module) -> Iterator[tuple[str, str]]:
    # A statement may be put together from several constants: what locks or upserts is looked for in the whole chunk.
    for chunk in module.body:
        nodes = list(ast.walk(chunk))
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        for text in texts:
            yield from ((match[1].lower(), right) for pattern, right in _PLAIN for match in pattern.finditer(text))
        together = " ".join(texts)
        if _LOCKS.search(together):
            yield from ((match[1].lower(), "UPDATE") for match in _FROM.finditer(together))
        if _UPSERTS.search(together):
            yield from ((match[1].lower(), "UPDATE") for match in _INSERT.finditer(together))
        yield from _of_core(nodes)


def _of_core(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    named |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CORE:
            for argument in node.args[:1]:
                for name in ast.walk(argument):
                    if isinstance(name, ast.Name | ast.Attribute):
                        table = name.id if isinstance(name, ast.Name) else name.attr
                        yield table, _CORE[node.func.id]
                        if "on_conflict_do_update" in called:
                            yield table, "UPDATE"
    if "with_for_update" in called:
        yield from ((name, "UPDATE") for name in named)
