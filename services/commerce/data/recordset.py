"""Inserts any number of rows in one statement with one parameter: a JSON array that Postgres takes apart itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from meshkit.db.sql import Sql

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(table: Table, columns: Sequence[str], *, constants: str = "", returning: str = "") -> Sql:
    """Return `INSERT … SELECT FROM json_to_recordset(:rows)`.

    `constants` are further columns as `column = expression`, separated by commas; `returning` a column list.
    """
    names = ", ".join(columns)
    types = ", ".join(f"{name} {table.c[name].type.compile(dialect=_DIALECT)}" for name in columns)
    fixed = [part.split(" = ") for part in constants.split(", ")] if constants else []
    into = ", ".join([names, *(column for column, _ in fixed)])
    values = ", ".join([names, *(expression for _, expression in fixed)])
    tail = f" RETURNING {returning}" if returning else ""
    return sql(
        f"INSERT INTO {table.name} ({into}) SELECT {values}"  # noqa: S608
        f" FROM json_to_recordset(CAST(:rows AS json)) AS r ({types}){tail}"
    )


def to_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as the parameter; ids and instants become text. Keys that are no columns are ignored by Postgres."""
    return json.dumps(list(rows), default=str)
