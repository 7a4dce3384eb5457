"""A migration changes what a prepared statement gives: readings go on at once, and whole transactions are run again."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketmesh.ads.v1 import ad_service_pb2
from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.call import Call
from meshkit.db.engine import Database, retry_reason, run_with_retries
from meshkit.db.sql import sql
from meshkit.db.tx import Transactions, Tx
from meshkit.events.consume import ConsumerRunner
from meshkit.events.registry import Consumer
from meshkit.flow import Flow
from meshkit.grpc.policy import Effect, read_policy
from meshkit.grpc.unit_of_work import UnitOfWork
from meshkit.jobs import Job, JobRunner
from meshkit.principal import Audience, Principal
from tests.support.events import TOPIC
from tests.support.mesh_harness import MeshHarness, envelope_of

_CHANGING = sql("SELECT * FROM changing")
_NUMBER = sql("SELECT pg_backend_pid()", int)
# How often psycopg runs a Core statement before it prepares it.
_PREPARED_AFTER = 7
_ADD_RUN = sql("INSERT INTO job_runs (job, tick, finished_at) VALUES (:job, :now, :now)")
_TAKE_RUNS = sql("DELETE FROM job_runs WHERE job = :job")
_CREATE_AD = read_policy(ad_service_pb2.DESCRIPTOR.services_by_name["AdService"].methods_by_name["CreateAd"])
Work = Callable[[Tx], object]


@pytest.fixture
def transactions(session_mesh: MeshHarness) -> Iterator[Transactions]:
    """Return transactions on one connection of ads' database."""
    session_mesh.start("ads")
    with contextlib.closing(Database(session_mesh.stack.addresses.database_url("ads"), pool_size=1)) as database:
        yield Transactions(database=database, clock=session_mesh.clock, source="ads")


class TestChangedTable:
    """A migration changed what a prepared statement gives."""

    def test_is_read_again_at_once(self, transactions: Transactions, session_mesh: MeshHarness) -> None:
        with changing_table(session_mesh) as owner, transactions.read(Call()) as tx:
            assert tx.execute(_CHANGING).all() == []
            owner("ALTER TABLE changing ADD COLUMN more int")
            assert tx.execute(_CHANGING).all() == []

    def test_is_read_again_at_once_by_core_statements(
        self, transactions: Transactions, session_mesh: MeshHarness
    ) -> None:
        statement = text("SELECT * FROM changing")
        with changing_table(session_mesh) as owner, transactions.read(Call()) as tx:
            for _ in range(_PREPARED_AFTER):
                tx.execute(statement)
            owner("ALTER TABLE changing ADD COLUMN more int")
            assert tx.execute(statement).all() == []

    def test_has_a_transaction_run_again_once(self, transactions: Transactions, session_mesh: MeshHarness) -> None:
        runs = []

        def work() -> int:
            with transactions.write(Call()) as tx:
                runs.append(tx.execute(_ADD_RUN, {"job": "run-again", "now": tx.now}).rowcount)
                return len(tx.execute(_CHANGING).all())

        with changing_table(session_mesh) as owner:
            run_with_retries(work)
            runs_of(transactions, "run-again")
            owner("ALTER TABLE changing ADD COLUMN more int")
            assert run_with_retries(work) == 0
        assert len(runs) == 3
        assert runs_of(transactions, "run-again") == 1

    def test_leaves_no_other_connection_with_it(self, session_mesh: MeshHarness) -> None:
        database = Database(session_mesh.stack.addresses.database_url("ads"), pool_size=4)
        with changing_table(session_mesh) as owner, contextlib.closing(database):
            with contextlib.ExitStack() as held:
                for _ in range(4):
                    held.enter_context(database.transaction()).execute(_CHANGING, None)
            owner("ALTER TABLE changing ADD COLUMN more int")
            with pytest.raises(DBAPIError, match="cached plan"), database.transaction() as session:
                session.execute(_CHANGING, None)
            with contextlib.ExitStack() as held:
                for _ in range(4):
                    assert held.enter_context(database.transaction()).execute(_CHANGING, None).all() == []

    def test_found_by_two_has_the_pool_replaced_once(self, session_mesh: MeshHarness) -> None:
        database = Database(session_mesh.stack.addresses.database_url("ads"), pool_size=4)
        with changing_table(session_mesh) as owner, contextlib.closing(database), database.reading() as late:
            late.execute(_CHANGING, None)
            with database.reading() as early:
                early.execute(_CHANGING, None)
                owner("ALTER TABLE changing ADD COLUMN more int")
                early.execute(_CHANGING, None)
                fresh = early.execute(_NUMBER, None).one()
            late.execute(_CHANGING, None)
            assert late.execute(_NUMBER, None).one() == fresh

    def test_is_not_what_else_postgres_does_not_support(self, transactions: Transactions) -> None:
        with pytest.raises(DBAPIError) as refusal, transactions.read(Call()) as tx:
            tx.execute(sql("SELECT count(*) FROM job_runs FOR UPDATE"))
        assert refusal.value.orig.sqlstate == "0A000"
        assert retry_reason(refusal.value) is None

    def test_has_every_kind_of_work_done_again(
        self, transactions: Transactions, session_mesh: MeshHarness, unit: Callable[[Transactions, Work], None]
    ) -> None:
        tried = []

        def work(tx: Tx) -> None:
            tried.append(1)
            tx.execute(_ADD_RUN, {"job": f"changed-{len(tried)}", "now": tx.now})
            tx.execute(_CHANGING)

        with changing_table(session_mesh) as owner:
            unit(transactions, work)
            owner("ALTER TABLE changing ADD COLUMN more int")
            session_mesh.clock.advance(timedelta(hours=1))
            unit(transactions, work)

        assert [runs_of(transactions, f"changed-{number}") for number in (1, 2, 3)] == [1, 0, 1]


class TestForgottenStatement:
    """A server forgot what is prepared on one connection, as a pooler between us and it may have it do."""

    def test_is_prepared_again_by_a_reading(self, transactions: Transactions) -> None:
        with transactions.read(Call()) as tx:
            number = tx.execute(_NUMBER).one()
            tx.execute(text("DEALLOCATE ALL"))
            assert tx.execute(_NUMBER).one() != number

    def test_has_a_transaction_run_again(self, transactions: Transactions) -> None:
        runs = itertools.count()

        def work() -> int:
            with transactions.write(Call()) as tx:
                number = tx.execute(_NUMBER).one()
                if next(runs) == 0:
                    tx.execute(text("DEALLOCATE ALL"))
                    tx.execute(_NUMBER)
                return number

        run_with_retries(work)

        assert next(runs) == 2

    def test_costs_no_other_connection(self, session_mesh: MeshHarness) -> None:
        with contextlib.closing(Database(session_mesh.stack.addresses.database_url("ads"), pool_size=4)) as database:
            with contextlib.ExitStack() as held:
                others = {held.enter_context(database.transaction()).execute(_NUMBER, None).one() for _ in range(3)}
                with pytest.raises(DBAPIError, match="does not exist"), database.transaction() as forgetful:
                    forgetful.execute(_NUMBER, None)
                    forgetful.execute(text("DEALLOCATE ALL"), None)
                    forgetful.execute(_NUMBER, None)
            with contextlib.ExitStack() as held:
                assert others == {
                    held.enter_context(database.transaction()).execute(_NUMBER, None).one() for _ in range(3)
                }


def call(transactions: Transactions, work: Work) -> None:
    policy = dataclasses.replace(_CREATE_AD, effect=Effect.EFFECT_WRITE, keep_answer=None, audit="")

    def servicer(_request: Message, tx: Tx) -> Message:
        work(tx)
        return ad_service_pb2.Ad()

    UnitOfWork(transactions, b"key").run(policy, servicer, ad_service_pb2.CreateAdRequest(), Call(), key="")


def flow(transactions: Transactions, work: Work) -> None:
    def servicer(_request: Message, flow: Flow) -> Message:
        with flow.transaction():
            pass
        with flow.transaction() as tx:
            work(tx)
            return flow.complete(tx, ad_service_pb2.Ad())

    caller = Call(principal=Principal(audience=Audience.STORE, user_id=uuid.uuid4(), store_id=uuid.uuid4()))
    request = ad_service_pb2.CreateAdRequest()
    UnitOfWork(transactions, b"key").run(_CREATE_AD, servicer, request, caller, key=uuid.uuid4().hex)


def event(transactions: Transactions, work: Work) -> None:
    consumer = Consumer("probe", TOPIC).on(events.AgentCreated, lambda tx, _event: work(tx))
    arrived = Arrived(envelope_of(events.AgentCreated(user_id=uuid.uuid4().hex)))
    done, failed = ConsumerRunner(consumer, transactions, None)._handle([arrived])  # type: ignore[arg-type, list-item]
    assert (len(done), failed) == (1, [])


def job(transactions: Transactions, work: Work) -> None:
    assert JobRunner((Job("changed", timedelta(hours=1), work),), transactions).run_due() == ["changed"]


@dataclasses.dataclass
class Arrived:
    """A message as it was pulled."""

    sent: Any
    ordering_key: str = ""
    delivery_attempt: int = 1

    def envelope(self, *, topic: str) -> Any:
        return self.sent


@pytest.fixture(params=[call, flow, event, job], ids=lambda unit: unit.__name__)
def unit(request: pytest.FixtureRequest) -> Any:
    """Return one of the ways in which work is done in a transaction."""
    return request.param


def runs_of(transactions: Transactions, name: str) -> int:
    with transactions.write(Call()) as tx:
        return tx.execute(_TAKE_RUNS, {"job": name}).rowcount


@contextlib.contextmanager
def changing_table(mesh: MeshHarness) -> Iterator[Callable[[str], None]]:
    owner = Database(mesh.stack.addresses.database_url("ads", kind="owner"), pool_size=1)

    def run(statement: str) -> None:
        with owner.reading() as session:
            session.execute(text(statement), None)

    run("CREATE TABLE changing (id int)")
    try:
        yield run
    finally:
        run("DROP TABLE changing")
        owner.close()
