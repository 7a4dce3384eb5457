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
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, overload

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.exc import DBAPIError

from meshkit.db.parameters import encode
from meshkit.db.rows import R, Rows, fields_of, row_maker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from psycopg.pq.abc import PGresult
    from sqlalchemy import ClauseElement
    from typing_extensions import TypeForm

_DIALECT = dialect(paramstyle="named")  # type: ignore[no-untyped-call]
# As SQLAlchemy's text(): a name after a single colon.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)", re.IGNORECASE)
_COLUMNS = re.compile(r"\{(?:(\w+)\.)?columns\}")
_NAMES = itertools.count()
# Under this name a pooled connection remembers what is prepared on it.
_PREPARED = "meshkit.prepared"

# The values of a statement by name; a list of them runs the statement for each.
Parameters: TypeAlias = "Mapping[str, Any] | Sequence[Mapping[str, Any]] | None"


class Sql(Generic[R]):
    """A statement with parameters written `:name`, and the class of its rows; make it once, at import."""

    __slots__ = ("_names", "query", "row", "text")

    def __init__(self, text: str, row: TypeForm[R] | None = None) -> None:
        self.row = row
        self.text = _COLUMNS.sub(lambda match: _columns(row, match[1]), text)
        self._names: tuple[str, ...] = tuple(dict.fromkeys(_PARAMETER.findall(self.text)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, start=1)}
        self.query = _PARAMETER.sub(lambda match: numbers[match[1]], self.text).encode()

    def bind(self, parameters: Mapping[str, Any] | None) -> list[Any]:
        """Return the values in the order of the statement. Raises KeyError naming a missing one."""
        if not self._names:
            return []
        assert parameters is not None, f"parameters are missing: {self._names}"
        return [parameters[name] for name in self._names]


@overload
def sql(text: str) -> Sql[None]: ...
@overload
def sql(text: str, row: TypeForm[R]) -> Sql[R]: ...
def sql(text: str, row: TypeForm[Any] | None = None) -> Sql[Any]:
    """Return a plain statement. A value is always a parameter, never part of the text.

    `row` is the NamedTuple of its rows, or the type of the values of its only column: `sql("SELECT count(*) …", int)`.
    A statement of which only the effect and `rowcount` matter has none. `{columns}` stands for the row's columns,
    `{o.columns}` for the same columns of `o`.
    """
    return Sql(text, row)


@overload
def compiled(statement: ClauseElement) -> Sql[None]: ...
@overload
def compiled(statement: ClauseElement, row: TypeForm[R]) -> Sql[R]: ...
def compiled(statement: ClauseElement, row: TypeForm[Any] | None = None) -> Sql[Any]:
    """Return a Core statement that is always the same as a plain one; every value in it is a `bindparam`."""
    plain = statement.compile(dialect=_DIALECT)
    fixed = {name: value for name, value in plain.params.items() if value is not None}
    assert not fixed, f"values would be lost: {fixed}"
    return Sql(str(plain), row)


def _columns(row: TypeForm[Any] | None, table: str | None) -> str:
    fields = fields_of(row) if row is not None else None
    assert fields, f"{row} names no columns"
    return ", ".join(f"{table}.{name}" if table else name for name in fields)


@dataclass(slots=True)
class _Prepared:
    name: bytes
    make_row: Callable[[Sequence[Any]], Any] | None = None


class Cursor:
    """Runs plain statements on one connection, one after the other.

    `memory` lives as long as the connection does. Unless the connection is in autocommit, the first statement begins a
    transaction.
    """

    __slots__ = ("_connection", "_libpq", "_loaders", "_prepared")

    def __init__(self, connection: psycopg.Connection[Any], memory: MutableMapping[Any, Any]) -> None:
        self._connection, self._libpq = connection, connection.pgconn
        if _PREPARED not in memory:
            memory[_PREPARED] = {}, Transformer(connection)
        self._prepared, self._loaders = memory[_PREPARED]

    def execute(self, statement: Sql[R], parameters: Parameters) -> Rows[R]:
        """Return the rows; a list of parameters runs the statement for each. Raises SQLAlchemy's DBAPIError."""
        if isinstance(parameters, list):
            counts = [self._execute(statement, each).rowcount for each in parameters]
            return Rows([], sum(counts))
        return self._execute(statement, parameters)  # type: ignore[arg-type]

    def _execute(self, statement: Sql[R], parameters: Mapping[str, Any] | None) -> Rows[R]:
        values, types = encode(statement.bind(parameters))
        try:
            if not self._connection.autocommit and self._libpq.transaction_status == TransactionStatus.IDLE:
                self._check(self._libpq.exec_(b"BEGIN"))
            prepared = self._prepared.get((statement, types)) or self._prepare(statement, types)
            return self._rows(self._libpq.exec_prepared(prepared.name, values), prepared, statement)  # type: ignore[arg-type]
        except psycopg.Error as error:
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

    def _prepare(self, statement: Sql[Any], types: tuple[int, ...]) -> _Prepared:
        prepared = _Prepared(f"mesh_{next(_NAMES)}".encode())
        self._check(self._libpq.prepare(prepared.name, statement.query, types or None))
        self._prepared[(statement, types)] = prepared
        return prepared

    def _rows(self, result: PGresult, prepared: _Prepared, statement: Sql[R]) -> Rows[R]:
        if result.status != ExecStatus.TUPLES_OK:
            self._check(result)
            return Rows([], result.command_tuples or 0)
        if prepared.make_row is None:
            prepared.make_row = _row_maker(result, statement)
        self._loaders.set_pgresult(result)
        return Rows(self._loaders.load_rows(0, result.ntuples, prepared.make_row), result.command_tuples or 0)

    def _check(self, result: PGresult) -> None:
        if result.status == ExecStatus.COMMAND_OK:
            return
        if self._libpq.status == ConnStatus.BAD:
            # The server itself sent no error, so there is no SQLSTATE.
            raise psycopg.OperationalError("the connection to the database is lost")
        raise error_from_result(result)


def _row_maker(result: PGresult, statement: Sql[Any]) -> Callable[[Sequence[Any]], Any]:
    """Return the function that makes the rows; the class is compared here, with the first result of what was just prepared."""
    columns = tuple(((result.fname(n) or b"").decode(), result.ftype(n)) for n in range(result.nfields))
    if statement.row is None:
        untyped: Any = namedtuple("Row", [name for name, _ in columns], rename=True)  # type: ignore[misc] # noqa: PYI024
        return untyped._make  # type: ignore[no-any-return]
    return row_maker(statement.row, columns, statement.text)


def raise_as_sqlalchemy(error: psycopg.Error, statement: str) -> NoReturn:
    """Raise what SQLAlchemy would: callers know one family of errors."""
    raise DBAPIError.instance(statement, None, error, psycopg.Error) from error
