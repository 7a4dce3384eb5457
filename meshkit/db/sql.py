"""Plain SQL statements, run by psycopg itself.

A statement that is written out gains nothing from passing through SQLAlchemy, and on the hot path that costs more than
everything else together (benchmarks/README.md). Statements that are put together at run time stay SQLAlchemy Core.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# As SQLAlchemy's text(): a name after a single colon.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)", re.IGNORECASE)


class Sql:
    """A statement with parameters written `:name`; make it once, at import."""

    __slots__ = ("_names", "query", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._names: tuple[str, ...] = tuple(dict.fromkeys(_PARAMETER.findall(text)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, start=1)}
        # Encoded once: psycopg takes bytes as they are.
        self.query = _PARAMETER.sub(lambda match: numbers[match[1]], text).encode()

    def bind(self, parameters: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
        """Return the values in the order of the statement, None when it has none. Raises KeyError naming a missing one."""
        if not self._names:
            return None
        assert parameters is not None, f"parameters are missing: {self._names}"
        return tuple(parameters[name] for name in self._names)


def sql(text: str) -> Sql:
    """Return a plain statement. A value is always a parameter, never part of the text."""
    return Sql(text)


class Rows:
    """A statement's rows, all fetched; named tuples. The part of SQLAlchemy's Result that we use."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows, self.rowcount = rows, rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Return every row."""
        return self._rows

    def first(self) -> Any | None:
        """Return the first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """Return the only row. Raises NoResultFound, MultipleResultsFound."""
        row = self.one_or_none()
        if row is None:
            raise NoResultFound
        return row

    def one_or_none(self) -> Any | None:
        """Return the only row, or None. Raises MultipleResultsFound."""
        if len(self._rows) > 1:
            raise MultipleResultsFound
        return self._rows[0] if self._rows else None

    def scalars(self) -> list[Any]:
        """Return the first column of every row."""
        return [row[0] for row in self._rows]

    def scalar(self) -> Any:
        """Return the first column of the first row, or None."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """Return the first column of the only row. Raises NoResultFound, MultipleResultsFound."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        """Return the first column of the only row, or None. Raises MultipleResultsFound."""
        row = self.one_or_none()
        return None if row is None else row[0]


class Cursor:
    """Runs plain statements on one connection, one after the other."""

    __slots__ = ("_cursor",)

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = psycopg.RawCursor(connection, row_factory=namedtuple_row)

    def execute(self, statement: Sql, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None) -> Rows:
        """Return the rows; a list of parameters runs the statement for each. Raises SQLAlchemy's DBAPIError."""
        cursor = self._cursor
        try:
            if isinstance(parameters, list):
                cursor.executemany(statement.query, [statement.bind(each) or () for each in parameters])
                return Rows([], cursor.rowcount)
            cursor.execute(statement.query, statement.bind(parameters))  # type: ignore[arg-type]
            return Rows(cursor.fetchall() if cursor.description else [], cursor.rowcount)
        except psycopg.Error as error:
            raise_as_sqlalchemy(error, statement.text)


def raise_as_sqlalchemy(error: psycopg.Error, statement: str) -> NoReturn:
    """Raise what SQLAlchemy would: callers know one family of errors."""
    raise DBAPIError.instance(statement, None, error, psycopg.Error) from error
