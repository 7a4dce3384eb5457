"""Outbox, relay, bus and inbox together, on the real Pub/Sub API and real Postgres."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from google.api_core.exceptions import InvalidArgument, ServiceUnavailable
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit import outbox
from meshkit.call import Call
from meshkit.db.tx import Transactions, Tx
from meshkit.errors import DependencyUnavailable, NotFound
from meshkit.events.bus import Bus, Received
from meshkit.events.consume import ConsumerRunner
from meshkit.events.registry import Consumer, UnreadableEvent
from meshkit.events.relay import MAX_ATTEMPTS, Relay, backoff_s
from tests.support.events import STORES, TOPIC, emit, rows, subscribe
from tests.support.mesh_harness import MeshHarness
from tests.support.outside_calls import on_a_thread_of_its_own


class RunningRelay:
    """A relay in a thread of its own."""

    def __init__(self, transactions: Transactions, bus: Bus) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=Relay(transactions, bus).run, args=(self._stop,))
        self._thread.start()

    def stop(self) -> None:
        """Stop it as SIGTERM does, and wait for its end."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def pull(bus: Bus, consumer: Consumer, count: int) -> list[Received]:
    """Pull and acknowledge until so many messages have come."""
    received: list[Received] = []
    while len(received) < count:
        batch = bus.pull(subscription=consumer.subscription, limit=count - len(received), timeout_s=20)
        assert batch, f"only {len(received)} of {count} came"
        bus.acknowledge(subscription=consumer.subscription, ack_ids=[message.ack_id for message in batch])
        received += batch
    return received


def version_of(message: Received) -> int:
    return events.StoreGateChanged.FromString(message.data).version


class TestOutbox:
    def test_is_written_with_the_transaction_and_gone_with_it(self, transactions: Transactions) -> None:
        with pytest.raises(NotFound), transactions.write(Call()) as tx:
            tx.emit(events.AgentCreated(user_id="u"))
            raise NotFound

        assert rows(transactions, "SELECT count(*) FROM outbox") == [(0,)]

    def test_keeps_writes_of_a_refusal_that_says_so(self, transactions: Transactions) -> None:
        with pytest.raises(NotFound), transactions.write(Call()) as tx:
            tx.emit(events.AgentCreated(user_id="u"))
            raise NotFound().keeping_writes()

        assert rows(transactions, "SELECT count(*) FROM outbox") == [(1,)]

    def test_refuses_a_message_that_is_no_event(self, transactions: Transactions) -> None:
        from marketmesh.type.v1.page_pb2 import Pagination

        with pytest.raises(LookupError), transactions.write(Call()) as tx:
            tx.emit(Pagination())

    def test_writes_a_once_only_event_once(self, transactions: Transactions) -> None:
        emit(transactions, "same")
        emit(transactions, "same")

        assert rows(transactions, "SELECT once_key FROM outbox") == [("agent_created:same",)]


class TestRelay:
    def test_publishes_with_cloud_events_attributes(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        consumer = Consumer("probe", TOPIC)
        subscribe(bus, consumer)
        emit(transactions, "u1")

        assert relay.relay_once() == 1

        message = bus.pull(subscription=consumer.subscription, limit=10, timeout_s=5)[0]
        assert message.ordering_key == "u1"
        assert message.attributes["ce-type"] == "agent_created"
        assert message.attributes["ce-dataversion"] == "1"
        assert message.attributes["ce-source"] == "marketmesh/ads"
        assert message.attributes["x-request-id"] == "r-1"
        assert message.attributes["traceparent"].startswith("00-" + "a" * 32)
        assert rows(transactions, "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL") == [(1,)]

    def test_sees_a_lower_number_that_commits_last(self, transactions: Transactions, relay: Relay) -> None:
        numbered, may_commit = threading.Event(), threading.Event()

        def slow() -> None:
            with transactions.write(Call()) as tx:
                tx.execute(text("SELECT nextval(pg_get_serial_sequence('outbox', 'seq'))"))
                tx.emit(events.AgentCreated(user_id="slow"))
                tx.execute_last(*outbox.insertion(tx.events, now=tx.now, source="ads"))
                tx.events.clear()
                numbered.set()
                assert may_commit.wait(5)

        thread = threading.Thread(target=slow)
        thread.start()
        assert numbered.wait(5)
        emit(transactions, "fast")
        first = relay.relay_once()
        may_commit.set()
        thread.join(5)
        second = relay.relay_once()

        assert (first, second) == (1, 1)
        assert rows(transactions, "SELECT count(*) FROM outbox WHERE published_at IS NULL") == [(0,)]

    def test_publishes_two_open_transactions_of_one_aggregate_in_the_order_of_their_commits(
        self, transactions: Transactions, relay: Relay, bus: Bus
    ) -> None:
        consumer = Consumer("probe", STORES)
        subscribe(bus, consumer)

        with transactions.write(Call()) as first:
            first.emit(events.StoreGateChanged(store_id="s1", version=1))
            first.execute_last(*outbox.insertion(first.events, now=first.now, source="ads"))
            first.run_last()
            with transactions.write(Call()) as second:
                second.emit(events.StoreGateChanged(store_id="s1", version=2))
            while_one_was_open = on_a_thread_of_its_own(relay.relay_once)
            first.events.clear()
            first._last.clear()
        after_both = relay.relay_once()

        assert (while_one_was_open, after_both) == (1, 1)
        assert [version_of(message) for message in pull(bus, consumer, 2)] == [2, 1]
        assert rows(transactions, "SELECT count(*) FROM outbox WHERE published_at IS NULL") == [(0,)]

    def test_keeps_the_order_of_an_aggregate_while_its_head_backs_off(
        self, transactions: Transactions, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with transactions.write(Call()) as tx:
            for version in (1, 2):
                tx.emit(events.StoreGateChanged(store_id="s", version=version))

        def away(**_: object) -> None:
            raise ServiceUnavailable("away")

        monkeypatch.setattr(relay.bus, "publish", away)
        assert relay.relay_once() == 2

        assert relay.relay_once() == 0
        assert rows(transactions, "SELECT attempts FROM outbox ORDER BY seq") == [(1,), (0,)]

    def test_gives_up_after_ten_attempts_with_the_reason(
        self, transactions: Transactions, relay: Relay, mesh: MeshHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        emit(transactions, "poison")

        def away(**_: object) -> None:
            raise ServiceUnavailable("away")

        monkeypatch.setattr(relay.bus, "publish", away)
        for _ in range(MAX_ATTEMPTS):
            mesh.clock.advance(timedelta(seconds=11))
            relay.relay_once()

        assert rows(transactions, "SELECT reason, attempts FROM outbox_dlq") == [("max_attempts", 10)]
        assert rows(transactions, "SELECT count(*) FROM outbox") == [(0,)]

    def test_dead_letters_the_hopeless_at_once(
        self, transactions: Transactions, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        emit(transactions, "bad")

        def refuse(**_: object) -> None:
            raise InvalidArgument("too large")

        monkeypatch.setattr(relay.bus, "publish", refuse)
        relay.relay_once()

        assert rows(transactions, "SELECT reason, attempts FROM outbox_dlq") == [("non_retryable", 1)]

    def test_takes_over_what_a_dead_relay_had_leased(
        self, transactions: Transactions, relay: Relay, mesh: MeshHarness
    ) -> None:
        emit(transactions, "leased")
        with transactions.write(Call()) as tx:
            tx.execute(text("UPDATE outbox SET lease_token = gen_random_uuid(), lease_until = :until"),
                       {"until": tx.now + timedelta(seconds=30)})  # fmt: skip

        held = relay.relay_once()
        mesh.clock.advance(timedelta(seconds=31))
        taken = relay.relay_once()

        assert (held, taken) == (0, 1)

    def test_two_publish_a_thousand_rows_once_each_and_in_order_even_when_one_is_stopped(
        self, transactions: Transactions, bus: Bus
    ) -> None:
        consumer = Consumer("probe", STORES)
        subscribe(bus, consumer)
        stores, versions = [f"s-{number}" for number in range(50)], range(1, 21)
        for version in versions:
            with transactions.write(Call()) as tx:
                for store in stores:
                    tx.emit(events.StoreGateChanged(store_id=store, version=version))
        running = [RunningRelay(transactions, bus) for _ in range(2)]
        received = pull(bus, consumer, 200)

        running[0].stop()  # in the middle of it
        received += pull(bus, consumer, 1000 - len(received))
        running[1].stop()

        published = [(message.ordering_key, version_of(message)) for message in received]
        assert {store: [version for key, version in published if key == store] for store in stores} == {
            store: list(versions) for store in stores
        }
        assert bus.pull(subscription=consumer.subscription, limit=1, timeout_s=0.5) == []
        assert rows(transactions, "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL") == [(1000,)]

    def test_that_is_stopped_finishes_its_batch_and_keeps_nothing(self, transactions: Transactions, bus: Bus) -> None:
        consumer = Consumer("probe", TOPIC)
        subscribe(bus, consumer)
        emit(transactions, *(f"u-{number}" for number in range(300)))
        running = RunningRelay(transactions, bus)
        received = pull(bus, consumer, 1)

        running.stop()
        while batch := bus.pull(subscription=consumer.subscription, limit=1000, timeout_s=0.5):
            received += batch

        # What it had claimed is on the bus and marked; all the rest is free for others at once.
        marked = rows(transactions, "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL")
        assert marked == [(len(received),)]
        other = Relay(transactions, bus)
        while other.relay_once():
            pass
        assert rows(transactions, "SELECT count(*) FROM outbox WHERE published_at IS NULL") == [(0,)]

    def test_backs_off_to_ten_seconds(self) -> None:
        assert 0.5 <= backoff_s(1) <= 0.75
        assert 10 <= backoff_s(9) <= 10.25


class TestConsumer:
    def run(self, consumer: Consumer, transactions: Transactions, bus: Bus, *, times: int = 1) -> None:
        runner = ConsumerRunner(consumer, transactions, bus)
        for _ in range(times):
            runner.consume_once(timeout_s=3)

    def test_applies_a_redelivered_event_once(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        seen: list[str] = []
        consumer = Consumer("probe", TOPIC).on(events.AgentCreated, lambda tx, event: seen.append(event.user_id))
        subscribe(bus, consumer)
        emit(transactions, "u1", "u2")
        while relay.relay_once():
            pass
        with transactions.write(Call()) as tx:
            tx.execute(text("UPDATE outbox SET published_at = NULL"))
        while relay.relay_once():
            pass

        self.run(consumer, transactions, bus, times=2)

        assert sorted(seen) == ["u1", "u2"]
        assert rows(transactions, "SELECT count(*) FROM inbox") == [(2,)]

    def test_a_failing_message_does_not_take_others_along(
        self, transactions: Transactions, relay: Relay, bus: Bus
    ) -> None:
        seen: list[str] = []

        def handle(tx: Tx, event: events.AgentCreated) -> None:
            if event.user_id == "bad" and seen.count("bad") < 2:
                seen.append("bad")
                raise DependencyUnavailable("not yet", dependency="test")
            tx.execute(text("SELECT 1"))
            seen.append(event.user_id)

        consumer = Consumer("probe", TOPIC).on(events.AgentCreated, handle)
        subscribe(bus, consumer)
        emit(transactions, "good", "bad")
        while relay.relay_once():
            pass

        self.run(consumer, transactions, bus, times=3)

        assert rows(transactions, "SELECT count(*) FROM inbox") == [(2,)]
        assert seen.count("bad") == 3
        assert rows(transactions, "SELECT count(*) FROM inbox_dlq") == [(0,)]

    def test_keeps_a_batch_that_the_database_could_not_take(
        self, transactions: Transactions, relay: Relay, bus: Bus
    ) -> None:
        seen: list[str] = []

        def handle(tx: Tx, event: events.AgentCreated) -> None:
            seen.append(event.user_id)
            if len(seen) == 1:
                raise InterfaceError("SELECT 1", {}, ConnectionError("gone"))

        consumer = Consumer("probe", TOPIC).on(events.AgentCreated, handle)
        subscribe(bus, consumer)
        emit(transactions, "u1")
        relay.relay_once()
        runner = ConsumerRunner(consumer, transactions, bus)
        with pytest.raises(InterfaceError):
            runner.consume_once(timeout_s=3)

        # Its lease is still on, so that nothing can be pulled.
        runner.consume_once(timeout_s=0.1)

        assert seen == ["u1", "u1"]
        assert rows(transactions, "SELECT count(*) FROM inbox") == [(1,)]
        assert runner.consume_once(timeout_s=0.1) == 0

    def test_dead_letters_a_version_that_nobody_reads_any_more_and_goes_on(
        self, transactions: Transactions, relay: Relay, bus: Bus
    ) -> None:
        consumer = Consumer("probe", TOPIC).on(events.AgentCreated, lambda tx, event: None)
        subscribe(bus, consumer)
        emit(transactions, "u1")
        with transactions.write(Call()) as tx:
            tx.execute(text("UPDATE outbox SET version = 0"))
        relay.relay_once()

        self.run(consumer, transactions, bus)

        dead = rows(transactions, "SELECT type, version, reason FROM inbox_dlq")
        assert dead == [("agent_created", 0, "non_retryable")]
        assert rows(transactions, "SELECT count(*) FROM inbox") == [(0,)]

    def test_dead_letters_a_defect_after_ten_deliveries(
        self, transactions: Transactions, relay: Relay, bus: Bus
    ) -> None:
        def broken(tx: Tx, event: events.AgentCreated) -> None:
            raise RuntimeError("defect")

        consumer = Consumer("probe", TOPIC).on(events.AgentCreated, broken)
        subscribe(bus, consumer)
        emit(transactions, "u1")
        relay.relay_once()

        self.run(consumer, transactions, bus, times=MAX_ATTEMPTS)

        assert rows(transactions, "SELECT reason, attempts FROM inbox_dlq") == [("max_attempts", 10)]

    def test_ignores_types_it_does_not_want(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        consumer = Consumer("probe", TOPIC)
        subscribe(bus, consumer)
        emit(transactions, "u1")
        relay.relay_once()

        self.run(consumer, transactions, bus)

        assert bus.pull(subscription=consumer.subscription, limit=1, timeout_s=1) == []

    def test_unreadable_payload_is_told_apart(self, transactions: Transactions) -> None:
        from meshkit.events.envelope import Envelope

        consumer = Consumer("probe", TOPIC).on(events.AgentCreated, lambda tx, event: None)
        envelope = Envelope(uuid.uuid4(), "agent_created", 1, TOPIC, "k", b"\xff\xff\xff", {})

        with pytest.raises(UnreadableEvent), transactions.write(Call()) as tx:
            consumer.handle(tx, envelope)

    def test_refuses_a_handler_for_an_event_of_another_topic(self) -> None:
        with pytest.raises(ValueError, match="travels on identity.store.v1"):
            Consumer("probe", TOPIC).on(events.StoreCreated, lambda tx, event: None)
