"""The rows of a statement, typed: which class they have is said next to the statement, and compared with what Postgres says.

A row class is a NamedTuple that names the columns in their order. A statement of one column may give plain values instead:
its class is then the value's. Postgres does not say whether a column may be null, so `| None` is the writer's word.
"""

from __future__ import annotations

import types
import typing
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast, get_args, get_origin, get_type_hints

import psycopg
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table
    from typing_extensions import TypeForm

R = TypeVar("R")
# Name and number in pg_type of each column of a statement.
Columns: TypeAlias = tuple[tuple[str, int], ...]

JsonObject: TypeAlias = dict[str, object]
# A document that is only passed on. One that is read has a type of its own: `list[str]`, `dict[str, int]`, a TypedDict.
Json: TypeAlias = JsonObject | list[object] | str | int | float | bool | None

_JSON = {114, 3802}
_PYTHON: dict[int, type] = {
    16: bool,
    17: bytes,
    19: str,
    20: int,
    21: int,
    23: int,
    25: str,
    26: int,
    701: float,
    1043: str,
    1082: date,
    1184: datetime,
    1186: timedelta,
    1700: Decimal,
    2950: uuid.UUID,
}
_IN_JSON = {str, int, float, bool, object, types.NoneType}


class RowMismatch(TypeError):
    """A row class does not fit its statement."""


class Rows(Generic[R]):
    """A statement's rows, all fetched."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[R], rowcount: int) -> None:
        self._rows, self.rowcount = rows, rowcount

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows)

    def all(self) -> list[R]:
        """Return every row."""
        return self._rows

    def first(self) -> R | None:
        """Return the first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> R:
        """Return the only row. Raises NoResultFound, MultipleResultsFound."""
        if not self._rows:
            raise NoResultFound
        return cast("R", self.one_or_none())

    def one_or_none(self) -> R | None:
        """Return the only row, or None. Raises MultipleResultsFound."""
        if len(self._rows) > 1:
            raise MultipleResultsFound
        return self._rows[0] if self._rows else None


def fields_of(row: TypeForm[Any]) -> tuple[str, ...] | None:
    """Return the columns that a row class names, None if the class is that of a single value."""
    return getattr(row, "_fields", None)


def columns_of(table: Table, row: TypeForm[Any]) -> list[ColumnElement[Any]]:
    """Return the columns of a table that a row class names, for `select(*…)` and `.returning(*…)`."""
    fields = fields_of(row)
    assert fields, f"{row} names no columns"
    return [table.c[name] for name in fields]


def row_maker(row: TypeForm[R], columns: Columns, statement: object) -> Callable[[Sequence[Any]], R]:
    """Return the function that makes a row of its values. Raises RowMismatch, which names what does not fit and the statement."""
    try:
        return _row_maker(cast("Hashable", row), columns)
    except RowMismatch as error:
        raise RowMismatch(f"{error}, in: {' '.join(str(statement).split())}") from None


@cache
def _row_maker(row: Any, columns: Columns) -> Callable[[Sequence[Any]], Any]:
    fields = fields_of(row)
    if fields is None:
        if len(columns) != 1:
            raise RowMismatch(
                f"{_name(row)} is one value, but the columns are {', '.join(name for name, _ in columns)}"
            )
        _require_fit("the only column", columns[0][1], row)
        return itemgetter(0)
    names = tuple(name for name, _ in columns)
    if names != fields:
        raise RowMismatch(f"{_name(row)} names the columns {', '.join(fields)}, but they are {', '.join(names)}")
    annotations = _annotations(row)
    for name, number in columns:
        _require_fit(f"column {name} of {_name(row)}", number, annotations[name])
    make: Callable[[Sequence[Any]], Any] = row._make
    return make


def _annotations(row: Any) -> dict[str, Any]:
    try:
        return get_type_hints(row)
    except NameError as error:
        # Row classes are looked at when the program runs, so their types may not hide behind TYPE_CHECKING.
        raise RowMismatch(f"{_name(row)}: {error}; import it outside of TYPE_CHECKING") from error


def _require_fit(what: str, number: int, annotation: object) -> None:
    if not _fits(number, annotation):
        raise RowMismatch(f"{what} is said to be {_name(annotation)}, but Postgres gives {_type_name(number)}")


def _fits(number: int, annotation: object) -> bool:
    annotation = _without_none(annotation)
    if number in _JSON:
        return _is_json(annotation)
    element = _element_of(number)
    if element is None:
        return _PYTHON.get(number) is annotation
    return get_origin(annotation) in {list, Sequence} and _fits(element, get_args(annotation)[0])


def _without_none(annotation: object) -> object:
    """Return the type without `| None`, and the one under a NewType."""
    if get_origin(annotation) in {typing.Union, types.UnionType}:
        others = [each for each in get_args(annotation) if each is not types.NoneType]
        if len(others) == 1:
            return _without_none(others[0])
    return getattr(annotation, "__supertype__", annotation)


def _is_json(annotation: object) -> bool:
    """Return whether JSON values can be of a type at all; that these are is shown only by tests that run the statement."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return all(map(_is_json, arguments))
    if origin in {list, Sequence}:
        return _is_json(arguments[0])
    if origin in {dict, Mapping}:
        return arguments[0] is str and _is_json(arguments[1])
    return annotation in _IN_JSON or typing.is_typeddict(annotation)


def _element_of(number: int) -> int | None:
    """Return the type of an array's elements, None for what is no array."""
    info = psycopg.adapters.types.get(number)
    return info.oid if info and info.array_oid == number else None


def _type_name(number: int) -> str:
    info = psycopg.adapters.types.get(number)
    if info is None:
        return f"a type that no row class has (number {number} in pg_type)"
    return f"{info.name}[]" if info.array_oid == number else info.name


def _name(annotation: object) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
