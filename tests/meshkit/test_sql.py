"""Plain statements: what goes in comes out, refusals are SQLAlchemy's, and a lost server is survived."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, NoResultFound

from meshkit.call import Call
from meshkit.db.engine import Database, is_unavailable
from meshkit.db.parameters import encode
from meshkit.db.sql import Sql, sql
from meshkit.db.tx import Transactions
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import recorded_statements

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)))
# Column types that hold each kind of value.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "bytea": st.binary(),
    "uuid": st.uuids(),
    "timestamptz": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    "date": st.dates(),
    "float8": st.floats(allow_nan=False),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False, places=6),
}
KINDS = {name: sql(f"SELECT CAST(:value AS {name}) AS value") for name in VALUES}
ARRAYS = {name: sql(f"SELECT CAST(:value AS {name}[]) AS value") for name in VALUES}


class Word(StrEnum):
    ONE = "one"


@pytest.fixture(scope="module")
def database(session_mesh: MeshHarness) -> Iterator[Database]:
    """Return ads' database, with one connection for each purpose."""
    session_mesh.start("ads")
    database = Database(session_mesh.stack.addresses.database_url("ads"), pool_size=1)
    yield database
    database.close()


@pytest.fixture
def transactions(database: Database, session_mesh: MeshHarness) -> Transactions:
    return Transactions(database=database, clock=session_mesh.clock, source="ads")


class TestValues:
    @pytest.mark.parametrize("kind", VALUES)
    @given(data=st.data())
    def test_come_back_as_they_went(self, database: Database, kind: str, data: st.DataObject) -> None:
        value = data.draw(VALUES[kind])
        with database.reading() as session:
            assert session.execute(KINDS[kind], {"value": value}).one().value == value

    @pytest.mark.parametrize("kind", VALUES)
    @given(data=st.data())
    def test_come_back_from_arrays(self, database: Database, kind: str, data: st.DataObject) -> None:
        values = data.draw(st.lists(st.none() | VALUES[kind], max_size=5))
        with database.reading() as session:
            assert session.execute(ARRAYS[kind], {"value": values}).one().value == values

    def test_take_the_words_of_an_enumeration(self) -> None:
        assert encode([Word.ONE, None, [Word.ONE]]) == ([b"one", None, b'{"one"}'], (0, 0, 0))

    def test_refuse_what_no_column_holds(self) -> None:
        with pytest.raises(TypeError, match="object is not a value"):
            encode([object()])

    def test_know_their_types(self) -> None:
        values = [True, uuid.UUID(int=1), date(2026, 1, 1), Decimal("1.5")]
        assert encode(values) == ([b"t", b"0" * 31 + b"1", b"2026-01-01", b"1.5"], (16, 2950, 1082, 1700))


class TestStatement:
    def test_names_a_missing_parameter(self) -> None:
        with pytest.raises(KeyError, match="second"):
            sql("SELECT :first, :second").bind({"first": 1})

    def test_leaves_casts_and_times_alone(self) -> None:
        statement = sql("SELECT now()::date, '12:30', :a, :b, :a")
        assert statement.query == b"SELECT now()::date, '12:30', $1, $2, $1"
        assert statement.bind({"a": 1, "b": 2}) == [1, 2]

    def test_is_prepared_once_for_one_kind_of_values(self, database: Database) -> None:
        statement = sql("SELECT CAST(:value AS text)")
        with database.reading() as session:
            for value in ("a", "b"):
                session.execute(statement, {"value": value})
            prepared = session.execute(_PREPARED, {"query": statement.query.decode()}).one()
        assert prepared == 1


_PREPARED = sql("SELECT count(*) FROM pg_prepared_statements WHERE statement = :query", int)


class TestRows:
    @pytest.mark.parametrize(("rows", "refusal"), [(0, NoResultFound), (2, MultipleResultsFound)])
    def test_one_needs_exactly_one(self, database: Database, rows: int, refusal: type[Exception]) -> None:
        with database.reading() as session, pytest.raises(refusal):
            session.execute(sql("SELECT g AS number FROM generate_series(1, CAST(:n AS int)) g"), {"n": rows}).one()

    def test_have_names_even_when_columns_have_none(self, database: Database) -> None:
        with database.reading() as session:
            row = session.execute(sql("SELECT 1 AS first, 2, 3 AS last"), None).one()
        assert (row.first, row[1], row.last) == (1, 2, 3)


class TestTransaction:
    def test_refuses_as_sqlalchemy_does(self, transactions: Transactions) -> None:
        with pytest.raises(IntegrityError), transactions.write(Call()) as tx:
            tx.execute(_ADD_RUN, {"job": None, "now": tx.now})

    def test_keeps_nothing_after_a_refusal(self, transactions: Transactions) -> None:
        with pytest.raises(DBAPIError), transactions.write(Call()) as tx:
            tx.execute(_ADD_RUN, {"job": "refused", "now": tx.now})
            tx.execute(sql("SELECT 1 / 0"))
        assert _runs(transactions, "refused") == 0

    def test_does_not_take_a_swallowed_error_for_a_success(self, transactions: Transactions) -> None:
        with pytest.raises(DBAPIError, match="had failed before its commit"), transactions.write(Call()) as tx:
            tx.execute(_ADD_RUN, {"job": "swallowed", "now": tx.now})
            with contextlib.suppress(DBAPIError):
                tx.execute(sql("SELECT 1 / 0"))
        assert _runs(transactions, "swallowed") == 0

    def test_plain_and_core_statements_share_it(self, transactions: Transactions) -> None:
        with pytest.raises(ZeroDivisionError), transactions.write(Call()) as tx:
            tx.execute(_ADD_RUN, {"job": "shared", "now": tx.now})
            assert tx.execute(text("SELECT count(*) FROM job_runs WHERE job = 'shared'")).scalar_one() == 1
            raise ZeroDivisionError
        assert _runs(transactions, "shared") == 0

    def test_keeps_what_is_prepared_when_it_rolls_back(self, transactions: Transactions) -> None:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError), transactions.write(Call()) as tx:
                tx.execute(_ADD_RUN, {"job": "again", "now": tx.now})
                raise ZeroDivisionError

    def test_runs_its_last_statements_in_one(self, transactions: Transactions) -> None:
        with recorded_statements(transactions.database) as sessions, transactions.write(Call()) as tx:
            for prefix in ("first", "second"):
                tx.execute_last(_run_statement(prefix), {f"{prefix}_job": f"last-{prefix}", f"{prefix}_now": tx.now})
        assert len(sessions) == len(sessions[0]) == 1
        assert _runs(transactions, "last-first") + _runs(transactions, "last-second") == 2

    def test_a_lost_connection_is_unavailable_and_then_replaced(self, transactions: Transactions) -> None:
        with pytest.raises(DBAPIError) as lost, transactions.write(Call()) as tx:
            own = tx.execute(sql("SELECT pg_backend_pid()", int)).one()
            with transactions.read(Call()) as other:
                other.execute(sql("SELECT pg_terminate_backend(CAST(:pid AS int))"), {"pid": own})
            tx.execute(sql("SELECT 1"))
        assert is_unavailable(lost.value)
        with transactions.write(Call()) as tx:
            assert tx.execute(sql("SELECT pg_backend_pid()", int)).one() != own


def _run_statement(prefix: str) -> str:
    return f"INSERT INTO job_runs (job, tick, finished_at) VALUES (:{prefix}_job, :{prefix}_now, :{prefix}_now)"  # noqa: S608


_ADD_RUN: Sql[Any] = sql("INSERT INTO job_runs (job, tick, finished_at) VALUES (:job, :now, :now)")


def _runs(transactions: Transactions, job: str) -> int:
    with transactions.write(Call()) as tx:
        return len(tx.execute(sql("DELETE FROM job_runs WHERE job = :job RETURNING 1"), {"job": job}).all())
