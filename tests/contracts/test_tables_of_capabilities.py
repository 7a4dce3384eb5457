"""A table is written, and its rows are locked, by one capability: the others ask its use cases. Reading is free."""

from __future__ import annotations

import re
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import services
from deploy.tools.contracts import services_present
from meshkit.db.migrate import PLATFORM_TABLES
from tests.support.described import statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVICES = Path(services.__file__).parent
_WRITTEN = re.compile(r"\b(?:INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )(?<!DO )UPDATE)\s+(\w+)")
_LOCKED = re.compile(r"\bFOR (?:(?:NO KEY )?UPDATE|(?:KEY )?SHARE)\b(?:\s+OF\s+(\w+(?:\s*,\s*\w+)*))?")
# Keywords are written large, names small.
_READ = re.compile(r"\b(?:FROM|JOIN)\s+([a-z]\w*)(?:\s+(?:AS\s+)?([a-z]\w*))?")
# Core: `update(products)`; a table's variable has its name.
_CORE = re.compile(r"\b(?:insert|update|delete)\((\w+)\)")


def changed_tables(text: str) -> set[str]:
    """Return which tables a plain statement writes or locks, and perhaps names of what is none."""
    read = {alias or table: table for table, alias in _READ.findall(text)}
    changed = set(_WRITTEN.findall(text))
    for named in _LOCKED.findall(text):
        changed |= {read[alias] for alias in re.split(r"\s*,\s*", named)} if named else set(read.values())
    return changed


def _changes(service: str) -> Iterator[tuple[str, str]]:
    """Return capability and table of every change that a service's statements make."""
    for place, statement in statements_of(f"services.{service}"):
        for table in changed_tables(statement.text):
            yield place.split(".")[2], table
    for path in (_SERVICES / service).glob("*/data/*.py"):
        for table in _CORE.findall(path.read_text()):
            yield path.parent.parent.name, table


@pytest.mark.parametrize("service", services_present())
def test_a_table_is_changed_by_one_capability(service: str) -> None:
    changed = defaultdict(set)
    for capability, table in _changes(service):
        changed[table].add(capability)

    own = import_module(f"services.{service}.schema").metadata.tables.keys() - set(PLATFORM_TABLES)
    assert own & changed.keys()
    assert {table: by for table, by in changed.items() if table in own and len(by) > 1} == {}


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT 1 FROM a JOIN b x ON x.id = a.id", set()),
        ("SELECT 1 FROM a JOIN b AS x ON x.id = a.id FOR UPDATE OF x", {"b"}),
        ("SELECT 1 FROM a JOIN b x ON x.id = a.id ORDER BY 1 FOR NO KEY UPDATE OF a, x SKIP LOCKED", {"a", "b"}),
        ("SELECT 1 FROM a WHERE id = :id FOR SHARE", {"a"}),
        ("INSERT INTO a SELECT 1 FROM b ON CONFLICT DO UPDATE SET x = 1", {"a"}),
        ("UPDATE a SET x = 1 FROM b WHERE a.id = b.id", {"a"}),
        ("DELETE FROM a USING b", {"a"}),
    ],
)
def test_what_a_statement_changes_is_read_from_its_text(text: str, tables: set[str]) -> None:
    assert changed_tables(text) == tables
