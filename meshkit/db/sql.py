"""Plain SQL statements, run on libpq by psycopg's wrapper of it: prepared once per connection, one call each.

A statement that is written out gains nothing from the layers of SQLAlchemy and of psycopg's cursors, and on the hot path
these cost more processor time than everything else together (docs/decisions/0015). Values are turned into rows by
psycopg's own loaders. Statements that are put together at run time stay SQLAlchemy Core.
"""

from __future__ import annotations

import itertools
import re
from collections import namedtuple
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound

from meshkit.db.parameters import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

    from psycopg.pq.abc import PGresult
    from sqlalchemy import ClauseElement

_DIALECT = dialect(paramstyle="named")  # type: ignore[no-untyped-call]
# As SQLAlchemy's text(): a name after a single colon.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)", re.IGNORECASE)
_NAMES = itertools.count()
# Under this name a pooled connection remembers what is prepared on it.
_PREPARED = "meshkit.prepared"


class Sql:
    """A statement with parameters written `:name`; make it once, at import."""

    __slots__ = ("_names", "query", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._names: tuple[str, ...] = tuple(dict.fromkeys(_PARAMETER.findall(text)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, start=1)}
        self.query = _PARAMETER.sub(lambda match: numbers[match[1]], text).encode()

    def bind(self, parameters: Mapping[str, Any] | None) -> list[Any]:
        """Return the values in the order of the statement. Raises KeyError naming a missing one."""
        if not self._names:
            return []
        assert parameters is not None, f"parameters are missing: {self._names}"
        return [parameters[name] for name in self._names]


def sql(text: str) -> Sql:
    """Return a plain statement. A value is always a parameter, never part of the text."""
    return Sql(text)


def compiled(statement: ClauseElement) -> Sql:
    """Return a Core statement that is always the same as a plain one; every value in it is a `bindparam`."""
    plain = statement.compile(dialect=_DIALECT)
    fixed = {name: value for name, value in plain.params.items() if value is not None}
    assert not fixed, f"values would be lost: {fixed}"
    return Sql(str(plain))


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


@dataclass(slots=True)
class _Prepared:
    name: bytes
    make_row: Callable[[Sequence[Any]], Any] | None = None


class Cursor:
    """Runs plain statements on one connection, one after the other.

    `memory` lives as long as the connection does. Unless the connection is in autocommit, the first statement begins a
    transaction.
    """

    __slots__ = ("_connection", "_libpq", "_loaders", "_prepared", "is_stale")

    def __init__(self, connection: psycopg.Connection[Any], memory: MutableMapping[Any, Any]) -> None:
        self._connection, self._libpq = connection, connection.pgconn
        if _PREPARED not in memory:
            memory[_PREPARED] = {}, Transformer(connection)
        self._prepared, self._loaders = memory[_PREPARED]
        # Whether what is prepared here no longer fits the tables: the connection should not be used again.
        self.is_stale = False

    def execute(self, statement: Sql, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None) -> Rows:
        """Return the rows; a list of parameters runs the statement for each. Raises SQLAlchemy's DBAPIError."""
        if isinstance(parameters, list):
            counts = [self._execute(statement, each).rowcount for each in parameters]
            return Rows([], sum(counts))
        return self._execute(statement, parameters)  # type: ignore[arg-type]

    def _execute(self, statement: Sql, parameters: Mapping[str, Any] | None) -> Rows:
        values, types = encode(statement.bind(parameters))
        try:
            if not self._connection.autocommit and self._libpq.transaction_status == TransactionStatus.IDLE:
                self._check(self._libpq.exec_(b"BEGIN"))
            prepared = self._prepared.get((statement, types)) or self._prepare(statement, types)
            return self._rows(self._libpq.exec_prepared(prepared.name, values), prepared)  # type: ignore[arg-type]
        except psycopg.Error as error:
            # A cached plan whose result type changed under it, or a statement the server forgot.
            self.is_stale = error.sqlstate in {"0A000", "26000"}
            raise_as_sqlalchemy(error, statement.text)

    def commit(self) -> None:
        """Commit what was begun, if anything. Raises DBAPIError; then nobody knows whether it did, and a repeat finds out."""
        try:
            if self._libpq.transaction_status != TransactionStatus.IDLE:
                result = self._libpq.exec_(b"COMMIT")
                self._check(result)
                if result.command_status != b"COMMIT":
                    # An error was swallowed on the way: Postgres rolls back and calls that a success.
                    raise psycopg.errors.InFailedSqlTransaction("the transaction had failed before its commit")
        except psycopg.Error as error:
            raise_as_sqlalchemy(error, "COMMIT")

    def rollback(self) -> None:
        """Undo what was begun; what a lost connection began is undone already.

        Not by psycopg, which would throw all prepared statements of the connection away.
        """
        if self._libpq.transaction_status not in {TransactionStatus.IDLE, TransactionStatus.UNKNOWN}:
            self._libpq.exec_(b"ROLLBACK")

    def _prepare(self, statement: Sql, types: tuple[int, ...]) -> _Prepared:
        prepared = _Prepared(f"mesh_{next(_NAMES)}".encode())
        self._check(self._libpq.prepare(prepared.name, statement.query, types or None))
        self._prepared[(statement, types)] = prepared
        return prepared

    def _rows(self, result: PGresult, prepared: _Prepared) -> Rows:
        if result.status != ExecStatus.TUPLES_OK:
            self._check(result)
            return Rows([], result.command_tuples or 0)
        if prepared.make_row is None:
            names = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
            prepared.make_row = namedtuple("Row", names, rename=True)._make  # type: ignore[attr-defined,misc] # noqa: PYI024
        self._loaders.set_pgresult(result)
        return Rows(self._loaders.load_rows(0, result.ntuples, prepared.make_row), result.command_tuples or 0)

    def _check(self, result: PGresult) -> None:
        if result.status == ExecStatus.COMMAND_OK:
            return
        if self._libpq.status == ConnStatus.BAD:
            # The server said nothing itself, so the result has no SQLSTATE by which to tell.
            raise psycopg.OperationalError("the connection to the database is lost")
        raise error_from_result(result)


def raise_as_sqlalchemy(error: psycopg.Error, statement: str) -> NoReturn:
    """Raise what SQLAlchemy would: callers know one family of errors."""
    raise DBAPIError.instance(statement, None, error, psycopg.Error) from error
