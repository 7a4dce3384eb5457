"""Inserts any number of rows in one statement with one parameter: a JSON array that Postgres takes apart itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(
    table: Table,
    columns: Sequence[str],
    *,
    constants: Mapping[str, str] | None = None,
    on_conflict: str = "",
    rows: str = "rows",
) -> str:
    """Return `INSERT … SELECT FROM json_to_recordset(:rows)`; `rows` names the parameter.

    `constants` are further columns and the SQL of their value, the same in every row; rows that violate the constraint
    `on_conflict` are left out.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    types = ", ".join(f'"{name}" {table.c[name].type.compile(dialect=_DIALECT)}' for name in columns)
    fixed = constants or {}
    into = ", ".join([names, *fixed])
    values = ", ".join([names, *fixed.values()])
    unless = f" ON CONFLICT ON CONSTRAINT {on_conflict} DO NOTHING" if on_conflict else ""
    return (
        f"INSERT INTO {table.name} ({into}) SELECT {values}"  # noqa: S608
        f" FROM json_to_recordset(CAST(:{rows} AS json)) AS r ({types}){unless}"
    )


def to_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as the parameter; ids and instants become text. Keys that are no columns are ignored by Postgres."""
    return json.dumps(list(rows), default=str)
