"""Every table has one capability that writes it; the others ask its use cases, or only read."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import services.commerce
from meshkit.db.sql import Sql
from services.commerce.schema import metadata

_ROOT = Path(services.commerce.__file__).parent
# As SQL and as Core.
_WRITES = re.compile(
    rf"(?:INSERT INTO|UPDATE|DELETE FROM|\b(?:update|insert|delete|insert_rows)\()\s*({'|'.join(metadata.tables)})\b"
)


def _written_by(module: ModuleType) -> set[str]:
    statements = [value.text for value in vars(module).values() if isinstance(value, Sql)]
    return {table for text in (inspect.getsource(module), *statements) for table in _WRITES.findall(text)}


def test_each_is_written_by_one_capability() -> None:
    writers: dict[str, set[str]] = {}
    for path in sorted(_ROOT.glob("*/data/[a-z]*.py")):
        name = ".".join(path.relative_to(_ROOT.parents[1]).with_suffix("").parts)
        for table in _written_by(importlib.import_module(name)):
            writers.setdefault(table, set()).add(path.relative_to(_ROOT).parts[0])

    assert {table: names for table, names in writers.items() if len(names) > 1} == {}
    assert writers["checkout_attempts"] == {"cart"}
    assert writers["order_retries"] == {"orders"}
