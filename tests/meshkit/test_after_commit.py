"""What is counted in a transaction is counted when it is committed: once, however often it was run."""

from __future__ import annotations

import dataclasses
import itertools
import uuid

import pytest
from prometheus_client import Counter

from marketmesh.ads.v1 import ad_service_pb2
from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.call import Call
from meshkit.db.engine import Session, run_with_retries
from meshkit.db.sql import sql
from meshkit.db.tx import Transactions, Tx
from meshkit.errors import NotFound
from meshkit.events.consume import ConsumerRunner
from meshkit.events.registry import Consumer
from meshkit.grpc.policy import Effect, read_policy
from meshkit.grpc.unit_of_work import UnitOfWork
from meshkit.obs.metrics import IDEMPOTENT_REPLAYS, INBOX_HANDLED
from meshkit.principal import Audience, Principal
from tests.meshkit.test_changed_tables import Arrived
from tests.support.events import TOPIC
from tests.support.mesh_harness import envelope_of

_DEADLOCK = sql("DO $$ BEGIN RAISE EXCEPTION 'staged' USING ERRCODE = 'deadlock_detected'; END $$")
_CREATE_AD = read_policy(ad_service_pb2.DESCRIPTOR.services_by_name["AdService"].methods_by_name["CreateAd"])


def counted(metric: Counter, **labels: str) -> float:
    """Return the sum of a counter over everything that has these labels."""
    samples = [sample for family in metric.collect() for sample in family.samples if sample.name.endswith("_total")]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


class TestAfterCommit:
    def test_waits_for_the_commit(self, transactions: Transactions) -> None:
        noted: list[str] = []

        with transactions.write(Call()) as tx:
            tx.after_commit(lambda: noted.append("done"))
            assert noted == []

        assert noted == ["done"]

    def test_forgets_what_is_rolled_back(self, transactions: Transactions) -> None:
        noted: list[int] = []
        runs = itertools.count()

        def work() -> None:
            with transactions.write(Call()) as tx:
                run = next(runs)
                tx.after_commit(lambda: noted.append(run))
                if run == 0:
                    tx.execute(_DEADLOCK)

        run_with_retries(work)

        assert noted == [1]

    @pytest.mark.parametrize("keeps", [True, False])
    def test_counts_for_a_refusal_only_if_it_keeps_what_was_written(
        self, transactions: Transactions, keeps: bool
    ) -> None:
        noted: list[str] = []

        with pytest.raises(NotFound), transactions.write(Call()) as tx:
            tx.after_commit(lambda: noted.append("done"))
            raise NotFound().keeping_writes() if keeps else NotFound()

        assert noted == (["done"] if keeps else [])

    def test_is_nothing_for_a_reading(self, transactions: Transactions) -> None:
        with transactions.read(Call()) as tx, pytest.raises(AssertionError, match="commits nothing"):
            tx.after_commit(lambda: None)


class TestEvents:
    def test_of_a_batch_that_is_run_again_count_once(self, transactions: Transactions) -> None:
        runs = itertools.count()

        def each(tx: Tx, agent: events.AgentCreated) -> None:
            if agent.user_id == "last" and next(runs) == 0:
                tx.execute(_DEADLOCK)

        consumer = Consumer("deadlocked", TOPIC).on(events.AgentCreated, each)
        first, last = (Arrived(envelope_of(events.AgentCreated(user_id=name))) for name in ("first", "last"))
        runner = ConsumerRunner(consumer, transactions, None)  # type: ignore[arg-type]

        runner._handle([first, last])  # type: ignore[list-item]

        assert next(runs) == 2
        assert counted(INBOX_HANDLED, consumer=consumer.subscription) == 2

    def test_of_a_batch_that_is_split_count_once(self, transactions: Transactions) -> None:
        def each(tx: Tx, agent: events.AgentCreated) -> None:
            if agent.user_id == "poison":
                raise NotFound

        consumer = Consumer("split", TOPIC).on(events.AgentCreated, each)
        batch = [Arrived(envelope_of(events.AgentCreated(user_id=name)), name) for name in ("good", "poison")]
        runner = ConsumerRunner(consumer, transactions, None)  # type: ignore[arg-type]

        runner._handle(batch)  # type: ignore[arg-type]

        assert counted(INBOX_HANDLED, consumer=consumer.subscription, result="ok") == 1
        assert counted(INBOX_HANDLED, consumer=consumer.subscription, result="dead") == 1


class TestReplays:
    def test_of_a_call_whose_commit_fails_at_first_count_once(
        self, transactions: Transactions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy = dataclasses.replace(_CREATE_AD, effect=Effect.EFFECT_WRITE, audit="")
        caller = Call(principal=Principal(audience=Audience.STORE, user_id=uuid.uuid4(), store_id=uuid.uuid4()))
        key = uuid.uuid4().hex

        def create() -> object:
            return UnitOfWork(transactions, b"key").run(
                policy, lambda request, tx: ad_service_pb2.Ad(), ad_service_pb2.CreateAdRequest(), caller, key=key
            )

        first = create()
        before = counted(IDEMPOTENT_REPLAYS)
        commit, tries = Session.commit, itertools.count()

        def deadlocked(session: Session) -> None:
            if next(tries) == 0:
                session.execute(_DEADLOCK, None)
            commit(session)

        monkeypatch.setattr(Session, "commit", deadlocked)

        assert create() == first
        assert next(tries) == 2
        assert counted(IDEMPOTENT_REPLAYS) == before + 1
