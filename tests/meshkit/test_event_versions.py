"""A new version of an event is rolled out consumers first, and nothing on its way is lost, in whichever order it comes."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from marketmesh.identity.events.v1 import identity_events_pb2 as v1
from marketmesh.options.v1 import event_pb2
from meshkit.db.tx import Transactions, Tx
from meshkit.event_spec import spec_of
from meshkit.events.bus import Bus
from meshkit.events.consume import MAX_ATTEMPTS, ConsumerRunner
from meshkit.events.registry import Consumer
from meshkit.events.relay import Relay
from tests.support.events import STORES, emit_all, rows, subscribe


def version_two_of(old: type[Message], field: str) -> type[Message]:
    """Return the next version of an event: its name and key stay, all else is one other field."""
    spec = spec_of(old.DESCRIPTOR)
    file = descriptor_pb2.FileDescriptorProto(name=f"{spec.type}_v2.proto", package="next.v2", syntax="proto3")
    message = file.message_type.add(name=old.DESCRIPTOR.name)
    for number, name in enumerate((spec.key, field), start=1):
        kind = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
        message.field.add(name=name, number=number, type=kind, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
    message.options.Extensions[event_pb2.event].CopyFrom(
        event_pb2.EventOptions(type=spec.type, topic=spec.topic, key=spec.key, version=2, once=spec.once)
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"next.v2.{old.DESCRIPTOR.name}"))


# A store's gate has a badge from version 2 on; what came before has none.
NextGate: Any = version_two_of(v1.StoreGateChanged, "badge")
NextStore: Any = version_two_of(v1.StoreCreated, "owner")


def as_next(gate: v1.StoreGateChanged) -> Any:
    return NextGate(store_id=gate.store_id, badge="none yet")


def old(store_id: str) -> v1.StoreGateChanged:
    return v1.StoreGateChanged(store_id=store_id)


def new(store_id: str) -> Any:
    return NextGate(store_id=store_id, badge="gold")


class Seen:
    """A handler of the newer shape, one by one or in sets."""

    def __init__(self) -> None:
        self.gates: list[tuple[str, str]] = []
        self.sets: list[int] = []

    def each(self, _tx: Tx, gate: Any) -> None:
        self.gates.append((gate.store_id, gate.badge))

    def batch(self, tx: Tx, gates: list[Any]) -> None:
        self.sets.append(len(gates))
        for gate in gates:
            self.each(tx, gate)

    def consumer(self, *, sets: bool) -> Consumer:
        """Return a consumer that reads both versions."""
        consumer = Consumer("probe", STORES)
        (consumer.on_batch if sets else consumer.on)(NextGate, self.batch if sets else self.each)
        return consumer.also(v1.StoreGateChanged, as_next)


def consume(consumer: Consumer, transactions: Transactions, bus: Bus) -> int:
    return ConsumerRunner(consumer, transactions, bus).consume_once(timeout_s=3)


def consume_all(consumer: Consumer, transactions: Transactions, bus: Bus, *, inbox: int) -> None:
    """Consume until so many are applied; what is given back comes again."""
    for _ in range(MAX_ATTEMPTS):
        if rows(transactions, "SELECT count(*) FROM inbox") == [(inbox,)]:
            return
        consume(consumer, transactions, bus)
    raise AssertionError("not all were applied")


def dead(transactions: Transactions) -> list[tuple[object, ...]]:
    return rows(transactions, "SELECT ordering_key, version, reason FROM inbox_dlq")


@pytest.mark.parametrize("sets", [False, True], ids=["one by one", "in sets"])
class TestBothVersions:
    @pytest.mark.parametrize("order", [(old, new), (new, old)], ids=["old before new", "new before old"])
    def test_of_one_aggregate_are_applied_in_order(
        self, transactions: Transactions, relay: Relay, bus: Bus, order: tuple[Any, Any], *, sets: bool
    ) -> None:
        seen = Seen()
        consumer = seen.consumer(sets=sets)
        subscribe(bus, consumer)
        emit_all(transactions, *(make("u1") for make in order))
        relay.relay_once()

        consume_all(consumer, transactions, bus, inbox=2)

        badges = {old: "none yet", new: "gold"}
        assert seen.gates == [("u1", badges[make]) for make in order]
        assert dead(transactions) == []

    @pytest.mark.parametrize("order", [(old, new), (new, old)], ids=["old before new", "new before old"])
    def test_of_several_aggregates_go_together(
        self, transactions: Transactions, relay: Relay, bus: Bus, order: tuple[Any, Any], *, sets: bool
    ) -> None:
        seen = Seen()
        consumer = seen.consumer(sets=sets)
        subscribe(bus, consumer)
        first, second = order
        emit_all(transactions, first("u1"), second("u2"), first("u3"))
        relay.relay_once()

        consume_all(consumer, transactions, bus, inbox=3)

        badges = {old: "none yet", new: "gold"}
        assert sorted(seen.gates) == [("u1", badges[first]), ("u2", badges[second]), ("u3", badges[first])]
        assert seen.sets == ([3] if sets else [])
        assert dead(transactions) == []

    def test_come_to_a_consumer_whose_handler_still_takes_the_old_shape(
        self, transactions: Transactions, relay: Relay, bus: Bus, *, sets: bool
    ) -> None:
        seen: list[str] = []

        def each(_tx: Tx, gate: v1.StoreGateChanged) -> None:
            seen.append(gate.store_id)

        consumer = Consumer("probe", STORES)
        if sets:
            consumer.on_batch(v1.StoreGateChanged, lambda tx, gates: [each(tx, gate) for gate in gates] and None)
        else:
            consumer.on(v1.StoreGateChanged, each)
        consumer.also(NextGate, lambda gate: old(gate.store_id))
        subscribe(bus, consumer)
        emit_all(transactions, new("u1"), old("u2"))
        relay.relay_once()

        consume_all(consumer, transactions, bus, inbox=2)

        assert sorted(seen) == ["u1", "u2"]


@pytest.mark.parametrize("sets", [False, True], ids=["one by one", "in sets"])
class TestNewerThanTheConsumer:
    def older(self, seen: list[str], *, sets: bool) -> Consumer:
        consumer = Consumer("probe", STORES)
        if sets:
            return consumer.on_batch(
                v1.StoreGateChanged, lambda _tx, gates: seen.extend(gate.store_id for gate in gates)
            )
        return consumer.on(v1.StoreGateChanged, lambda _tx, gate: seen.append(gate.store_id))

    def test_waits_for_the_release_that_reads_it_and_holds_its_aggregate(
        self, transactions: Transactions, relay: Relay, bus: Bus, *, sets: bool
    ) -> None:
        before: list[str] = []
        consumer = self.older(before, sets=sets)
        subscribe(bus, consumer)
        emit_all(transactions, new("u1"), old("u1"), old("u2"))
        relay.relay_once()
        consume(consumer, transactions, bus)
        assert set(before) == {"u2"}
        assert dead(transactions) == []

        after = Seen()
        consume_all(after.consumer(sets=sets), transactions, bus, inbox=3)

        assert after.gates == [("u1", "gold"), ("u1", "none yet")]
        assert dead(transactions) == []

    def test_is_a_dead_letter_when_no_such_release_comes(
        self, transactions: Transactions, relay: Relay, bus: Bus, *, sets: bool
    ) -> None:
        consumer = self.older([], sets=sets)
        subscribe(bus, consumer)
        emit_all(transactions, new("u1"))
        relay.relay_once()

        for _ in range(MAX_ATTEMPTS):
            assert dead(transactions) == []
            consume(consumer, transactions, bus)

        assert dead(transactions) == [("u1", 2, "max_attempts")]
        assert rows(transactions, "SELECT count(*) FROM inbox") == [(0,)]


class TestOlderThanTheConsumer:
    def test_is_a_dead_letter_at_once(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        consumer = Consumer("probe", STORES).on(NextGate, Seen().each)
        subscribe(bus, consumer)
        emit_all(transactions, old("u1"))
        relay.relay_once()

        consume(consumer, transactions, bus)

        assert dead(transactions) == [("u1", 1, "non_retryable")]


class TestProducer:
    def test_tells_once_what_may_be_told_once_whatever_the_version(self, transactions: Transactions) -> None:
        emit_all(transactions, v1.StoreCreated(store_id="s1"))
        emit_all(transactions, NextStore(store_id="s1", owner="u1"), NextStore(store_id="s2"))

        told = rows(transactions, "SELECT ordering_key, version FROM outbox ORDER BY seq")
        assert told == [("s1", 1), ("s2", 2)]


class TestAlso:
    def test_needs_a_type_that_is_handled(self) -> None:
        with pytest.raises(ValueError, match="store_gate_changed is handled by nothing yet"):
            Consumer("probe", STORES).also(v1.StoreGateChanged, as_next)

    def test_refuses_a_version_that_is_read(self) -> None:
        with pytest.raises(ValueError, match="store_gate_changed version 1 is read already"):
            Consumer("probe", STORES).on(v1.StoreGateChanged, Seen().each).also(v1.StoreGateChanged, as_next)

    def test_refuses_a_type_of_another_topic(self) -> None:
        with pytest.raises(ValueError, match="agent_created travels on identity.user.v1"):
            Consumer("probe", STORES).on(v1.StoreGateChanged, Seen().each).also(v1.AgentCreated, as_next)

    def test_says_which_versions_are_read(self) -> None:
        consumer = Seen().consumer(sets=False)

        assert (consumer.versions("store_gate_changed"), consumer.versions("store_created")) == ([1, 2], [])
        assert consumer.types == ["store_gate_changed"]
