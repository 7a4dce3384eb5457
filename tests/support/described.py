"""What Postgres says of plain statements without running them, and where the statements of a package stand."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from meshkit.db.rows import Columns
from meshkit.db.sql import Sql

# Types that a value may have whose place leaves it open: uuid, timestamptz, date, bytea, boolean, bigint, text.
_TYPES = (2950, 1184, 1082, 17, 16, 20, 25)


def statements_of(package: str) -> Iterator[tuple[str, Sql[Any]]]:
    """Yield the plain statements of a package's modules, each with its place, also those in lists and tables."""
    found = importlib.import_module(package)
    names = [package, *(module.name for module in pkgutil.walk_packages(found.__path__, f"{package}."))]
    seen: set[Sql[Any]] = set()
    for name in names:
        if ".migrations" in name or name.endswith(".__main__"):
            continue
        for variable, value in vars(importlib.import_module(name)).items():
            for place, statement in inside(f"{name}.{variable}", value):
                if statement not in seen:
                    seen.add(statement)
                    yield place, statement


def inside(place: str, value: object) -> Iterator[tuple[str, Sql[Any]]]:
    """Yield the statements in a value, each with its place."""
    if isinstance(value, Sql):
        yield place, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from inside(f"{place}[{key!r}]", each)
    elif isinstance(value, list | tuple | set | frozenset):
        for number, each in enumerate(value):
            yield from inside(f"{place}[{number}]", each)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from inside(f"{place}.{field.name}", getattr(value, field.name, None))


def described(connection: psycopg.Connection[Any], statement: Sql[Any]) -> Columns:
    """Return the columns of a statement, prepared and not run. Raises psycopg.Error when it cannot be prepared.

    Where the types of the parameters are left open, those that the values will have are tried.
    """
    numbers = [int(number) for number in re.findall(rb"\$(\d+)", statement.query)]
    types = [0] * max(numbers, default=0)
    return _described(connection, statement.query, types)


def _described(connection: psycopg.Connection[Any], query: bytes, types: list[int]) -> Columns:
    """Prepare with the types; where Postgres cannot tell one, try all that a value may have there."""
    try:
        return _columns(connection, query, types)
    except psycopg.errors.IndeterminateDatatype as error:
        number = int(re.findall(r"\$(\d+)", str(error))[0]) - 1
        failure: psycopg.Error = error
    for each in _TYPES:
        try:
            return _described(connection, query, [each if at == number else kind for at, kind in enumerate(types)])
        except psycopg.Error as error:
            failure = error
    raise failure


def _columns(connection: psycopg.Connection[Any], query: bytes, types: list[int]) -> Columns:
    libpq = connection.pgconn
    prepared = libpq.prepare(b"", query, types)
    if prepared.status != ExecStatus.COMMAND_OK:
        raise error_from_result(prepared)
    result = libpq.describe_prepared(b"")
    return tuple(((result.fname(n) or b"").decode(), result.ftype(n)) for n in range(result.nfields))
