"""Set-based handlers: many events in one statement, with the guarantees of one at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import CapturingLogger

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.call import Call
from meshkit.db.sql import sql
from meshkit.db.tx import Transactions, Tx
from meshkit.errors import NotFound
from meshkit.events import consume
from meshkit.events.bus import Bus
from meshkit.events.consume import ConsumerRunner
from meshkit.events.registry import Consumer
from meshkit.events.relay import LEASE, Relay
from tests.support.events import STORES, TOPIC, emit, emit_all, rows, subscribe
from tests.support.mesh_harness import MeshHarness, envelope_of
from tests.support.statements import recorded_statements

_ONE_STATEMENT = sql("SELECT count(*) FROM unnest(CAST(:ids AS text[]))")


class Sets:
    """A set-based handler that remembers what it was called with and leaves an event for each user."""

    def __init__(self, *, poison: str = "") -> None:
        self.seen: list[list[str]] = []
        self.poison = poison

    def handle(self, tx: Tx, agents: list[events.AgentCreated]) -> None:
        """Refuse the poison; else leave an effect for everybody."""
        ids = [agent.user_id for agent in agents]
        self.seen.append(ids)
        for user_id in ids:
            tx.emit(events.LicenseCreated(license_id=user_id))
        tx.execute(_ONE_STATEMENT, {"ids": ids})
        if self.poison in ids:
            raise NotFound


def consumed(consumer: Consumer, transactions: Transactions, bus: Bus, *, times: int = 1) -> None:
    runner = ConsumerRunner(consumer, transactions, bus)
    for _ in range(times):
        runner.consume_once(timeout_s=3)


def effects(transactions: Transactions) -> list[str]:
    found = rows(transactions, "SELECT ordering_key FROM outbox WHERE type = 'license_created' ORDER BY ordering_key")
    return [str(key) for (key,) in found]


class TestOrder:
    def test_two_types_of_one_aggregate_stay_in_order(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        seen: list[tuple[str, object]] = []

        def gates_changed(_tx: Tx, gates: list[events.StoreGateChanged]) -> None:
            seen.extend((gate.store_id, gate.version) for gate in gates)

        consumer = (
            Consumer("probe", STORES)
            .on_batch(events.StoreGateChanged, gates_changed)
            .on(events.StoreCreated, lambda tx, store: seen.append((store.store_id, "created")))
        )
        subscribe(bus, consumer)
        emit_all(
            transactions,
            events.StoreGateChanged(store_id="a", version=1),
            events.StoreCreated(store_id="a"),
            events.StoreGateChanged(store_id="b", version=1),
            events.StoreGateChanged(store_id="a", version=2),
            events.StoreGateChanged(store_id="c", version=1),
        )
        relay.relay_once()

        consumed(consumer, transactions, bus)

        assert [what for store, what in seen if store == "a"] == [1, "created", 2]
        assert sorted(seen, key=str)[3:] == [("b", 1), ("c", 1)]


class TestSets:
    def test_a_batch_is_one_call(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        sets = Sets()
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, sets.handle)
        subscribe(bus, consumer)
        emit(transactions, "u1", "u2", "u3")
        relay.relay_once()

        consumed(consumer, transactions, bus)

        assert [sorted(ids) for ids in sets.seen] == [["u1", "u2", "u3"]]
        assert rows(transactions, "SELECT count(*) FROM inbox") == [(3,)]

    def test_poison_is_told_apart_and_the_others_apply_once(
        self, transactions: Transactions, relay: Relay, bus: Bus
    ) -> None:
        sets = Sets(poison="bad")
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, sets.handle)
        subscribe(bus, consumer)
        emit(transactions, "u1", "bad", "u2")
        relay.relay_once()

        consumed(consumer, transactions, bus)

        assert effects(transactions) == ["u1", "u2"]
        assert rows(transactions, "SELECT ordering_key, reason FROM inbox_dlq") == [("bad", "non_retryable")]
        assert rows(transactions, "SELECT count(*) FROM inbox") == [(2,)]

    def test_an_unknown_version_takes_no_other_along(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, Sets().handle)
        subscribe(bus, consumer)
        emit(transactions, "u1", "past", "u2")
        with transactions.write(Call()) as tx:
            tx.execute(text("UPDATE outbox SET version = 0 WHERE ordering_key = 'past'"))
        relay.relay_once()

        consumed(consumer, transactions, bus)

        assert effects(transactions) == ["u1", "u2"]
        assert rows(transactions, "SELECT ordering_key, version FROM inbox_dlq") == [("past", 0)]

    def test_a_redelivery_inside_a_batch_applies_once(self, transactions: Transactions) -> None:
        sets = Sets()
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, sets.handle)
        twice, once = (envelope_of(events.AgentCreated(user_id=user_id)) for user_id in ("twice", "once"))

        runner = ConsumerRunner(consumer, transactions, None)  # type: ignore[arg-type]
        for batch in ([twice, once, twice], [once, twice]):
            runner._handle_together(batch)

        assert sets.seen == [["twice", "once"]]
        assert effects(transactions) == ["once", "twice"]

    def test_what_is_left_over_is_handled_alone_under_its_own_name(self, transactions: Transactions) -> None:
        alone: list[tuple[str, str]] = []

        def leave(_tx: Tx, agents: list[events.AgentCreated]) -> list[events.AgentCreated]:
            return [agent for agent in agents if agent.user_id == "odd"]

        consumer = Consumer("probe", TOPIC).on_batch(
            events.AgentCreated, leave, each=lambda tx, agent: alone.append((agent.user_id, tx.call.request_id))
        )
        runner = ConsumerRunner(consumer, transactions, None)  # type: ignore[arg-type]
        runner._handle_together([envelope_of(events.AgentCreated(user_id=user_id)) for user_id in ("even", "odd")])

        assert alone == [("odd", "test")]

    def test_what_nobody_handles_alone_is_a_defect(self, transactions: Transactions) -> None:
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, lambda tx, agents: agents)
        runner = ConsumerRunner(consumer, transactions, None)  # type: ignore[arg-type]

        with pytest.raises(TypeError, match="AgentCreated was left over"):
            runner._handle_together([envelope_of(events.AgentCreated(user_id="u"))])

    def test_every_event_has_a_line_in_the_log(
        self, transactions: Transactions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = CapturingLogger()
        monkeypatch.setattr(consume, "_log", log)
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, Sets().handle)
        envelopes = [envelope_of(events.AgentCreated(user_id=user_id)) for user_id in ("u1", "u2")]

        ConsumerRunner(consumer, transactions, None)._handle_together(envelopes)  # type: ignore[arg-type]

        lines = [(call.kwargs["event_id"], call.kwargs["result"], call.kwargs["request_id"]) for call in log.calls]
        assert lines == [(str(envelope.event_id), "ok", "test") for envelope in envelopes]

    def test_statements_do_not_grow_with_the_batch(self, transactions: Transactions) -> None:
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, Sets().handle)
        runner = ConsumerRunner(consumer, transactions, None)  # type: ignore[arg-type]
        counts = []

        for size in (2, 40):
            batch = [envelope_of(events.AgentCreated(user_id=f"{size}-{number}")) for number in range(size)]
            with recorded_statements(transactions.database) as sessions:
                runner._handle_together(batch)
            counts.append(sum(len(session) for session in sessions))

        assert counts[0] == counts[1]


class TestKill:
    def test_dying_between_publishing_and_marking_costs_a_duplicate_that_the_inbox_absorbs(
        self, transactions: Transactions, relay: Relay, bus: Bus, mesh: MeshHarness
    ) -> None:
        sets = Sets()
        consumer = Consumer("probe", TOPIC).on_batch(events.AgentCreated, sets.handle)
        subscribe(bus, consumer)
        emit(transactions, "u1", "u2")
        assert relay._pass() == 2  # published, nothing recorded: here it dies

        assert Relay(transactions, bus).relay_once() == 0
        mesh.clock.advance(LEASE + timedelta(seconds=1))
        assert Relay(transactions, bus).relay_once() == 2
        consumed(consumer, transactions, bus, times=2)

        assert effects(transactions) == ["u1", "u2"]
        assert rows(
            transactions, "SELECT count(*) FROM outbox WHERE type = 'agent_created' AND published_at IS NULL"
        ) == [(0,)]
