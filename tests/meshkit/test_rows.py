"""Row classes: what fits the columns of a statement, and how a misfit is told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NewType, TypedDict

import pytest
from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert, literal, select, text
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from meshkit.call import Call
from meshkit.db.engine import Database
from meshkit.db.rows import Json, JsonObject, RowMismatch, columns_of
from meshkit.db.sql import sql
from meshkit.db.tx import Transactions
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from fractions import Fraction

THING_ID = NewType("THING_ID", uuid.UUID)


class Word(StrEnum):
    ONE = "one"


class Address(TypedDict):
    city: str


class Thing(NamedTuple):
    id: uuid.UUID
    name: str


class WrongType(NamedTuple):
    id: str
    name: str


class WrongOrder(NamedTuple):
    name: str
    id: uuid.UUID


class Hidden(NamedTuple):
    id: Fraction


THING = "SELECT CAST('00000000-0000-0000-0000-000000000001' AS uuid) AS id, CAST('it' AS text) AS name"
THINGS = Table("things", MetaData(), Column("id", Uuid), Column("other", Text), Column("name", Text))


@pytest.fixture(scope="module")
def database(session_mesh: MeshHarness) -> Iterator[Database]:
    session_mesh.start("ads")
    database = Database(session_mesh.stack.addresses.database_url("ads"), pool_size=1)
    yield database
    database.close()


@pytest.fixture
def transactions(database: Database, session_mesh: MeshHarness) -> Transactions:
    return Transactions(database=database, clock=session_mesh.clock, source="ads")


def run(database: Database, statement: str, row: Any) -> list[Any]:
    with database.reading() as session:
        return session.execute(sql(statement, row), None).all()


class TestRows:
    def test_are_of_their_class(self, database: Database) -> None:
        assert run(database, THING, Thing) == [Thing(uuid.UUID(int=1), "it")]

    def test_of_one_column_may_be_its_values(self, database: Database) -> None:
        assert run(database, "SELECT g FROM generate_series(1, 3) g", int) == [1, 2, 3]

    def test_a_value_that_is_null_is_a_row(self, database: Database) -> None:
        with database.reading() as session:
            rows = session.execute(sql("SELECT max(1) FROM (SELECT) AS none WHERE false", int | None), None)
        assert rows.one() is None

    @pytest.mark.parametrize(("count", "refusal"), [(0, NoResultFound), (2, MultipleResultsFound)])
    def test_one_needs_exactly_one_value(self, database: Database, count: int, refusal: type[Exception]) -> None:
        with database.reading() as session, pytest.raises(refusal):
            session.execute(sql("SELECT g FROM generate_series(1, CAST(:n AS int)) g", int), {"n": count}).one()

    def test_of_core_statements_are_of_their_class(self, transactions: Transactions) -> None:
        with transactions.read(Call()) as tx:
            row = tx.fetch(
                select(literal(uuid.UUID(int=1), Uuid).label("id"), text("CAST('it' AS text) AS name")), Thing
            )
            assert row.one() == Thing(uuid.UUID(int=1), "it")
            assert tx.fetch(text("SELECT g FROM generate_series(1, 3) g"), int).all() == [1, 2, 3]

    def test_name_the_columns_of_a_plain_statement(self) -> None:
        assert sql("SELECT {columns} FROM things", Thing).text == "SELECT id, name FROM things"
        assert sql("SELECT {t.columns} FROM things t", Thing).text == "SELECT t.id, t.name FROM things t"

    def test_name_the_columns_of_a_core_statement(self) -> None:
        assert columns_of(THINGS, Thing) == [THINGS.c.id, THINGS.c.name]
        assert str(insert(THINGS).returning(*columns_of(THINGS, Thing))).endswith("RETURNING things.id, things.name")

    def test_braces_that_stand_for_nothing_stay(self) -> None:
        assert sql("SELECT '{}'::jsonb, '{1,2}'::int[]").text == "SELECT '{}'::jsonb, '{1,2}'::int[]"


class TestMisfit:
    @pytest.mark.parametrize(
        ("row", "told"),
        [
            (WrongType, "column id of WrongType is said to be str, but Postgres gives uuid, in: SELECT CAST"),
            (WrongOrder, "WrongOrder names the columns name, id, but they are id, name, in: SELECT CAST"),
            (uuid.UUID, "UUID is one value, but the columns are id, name, in: SELECT CAST"),
        ],
    )
    def test_names_statement_column_and_types(self, database: Database, row: Any, told: str) -> None:
        with pytest.raises(RowMismatch) as refusal:
            run(database, THING, row)
        assert str(refusal.value).startswith(told)

    @pytest.mark.parametrize("columns", ["CAST('it' AS text) AS name", "1 AS id, 'it' AS title"])
    def test_is_a_missing_or_renamed_column(self, database: Database, columns: str) -> None:
        with pytest.raises(RowMismatch, match="Thing names the columns id, name, but they are"):
            run(database, f"SELECT {columns}", Thing)

    def test_is_told_of_core_statements_too(self, transactions: Transactions) -> None:
        with transactions.read(Call()) as tx, pytest.raises(RowMismatch, match="is said to be str.*in: SELECT"):
            tx.fetch(text(THING), WrongType)

    def test_is_a_type_that_exists_for_the_type_checker_only(self, database: Database) -> None:
        with pytest.raises(RowMismatch, match="'Fraction' is not defined; import it outside of TYPE_CHECKING"):
            run(database, "SELECT 1 AS id", Hidden)


FITTING = [
    ("uuid", uuid.UUID), ("uuid", THING_ID), ("text", str), ("text", str | None), ("varchar", str), ("name", str),
    ("int2", int), ("int4", int), ("int8", int), ("bool", bool), ("timestamptz", datetime), ("date", date),
    ("numeric", Decimal), ("bytea", bytes), ("float8", float), ("interval", timedelta), ("uuid[]", list[uuid.UUID]),
    ("text[]", list[str | None]), ("int8[]", list[int] | None), ("jsonb", Json), ("json", JsonObject),
    ("jsonb", list[str]), ("jsonb", dict[str, int] | None), ("jsonb", Address), ("jsonb", list[Address]),
]  # fmt: skip
UNFITTING = [
    ("uuid", str), ("text", uuid.UUID), ("text", Word), ("text", Literal["one"]), ("text", object), ("text", Any),
    ("int4", bool), ("bool", int), ("numeric", int), ("numeric", float), ("timestamptz", date), ("date", datetime),
    ("timestamp", datetime), ("bytea", str), ("uuid[]", list[str]), ("text[]", list), ("text", list[str]),
    ("text[]", str), ("jsonb", str | uuid.UUID), ("jsonb", Any), ("jsonb", list[uuid.UUID]), ("text", int | str),
    ("jsonb", dict[int, str]),
]  # fmt: skip


class TestTypes:
    @pytest.mark.parametrize(("kind", "annotation"), FITTING)
    def test_fit(self, database: Database, kind: str, annotation: Any) -> None:
        assert run(database, f"SELECT CAST(NULL AS {kind})", annotation) == [None]

    @pytest.mark.parametrize(("kind", "annotation"), UNFITTING)
    def test_do_not_fit(self, database: Database, kind: str, annotation: Any) -> None:
        with pytest.raises(RowMismatch):
            run(database, f"SELECT CAST(NULL AS {kind})", annotation)
