"""The relay puts many aggregates into one request, and none of them suffers for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from google.api_core.exceptions import InternalServerError, InvalidArgument, ServiceUnavailable
from sqlalchemy import text

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from meshkit.call import Call
from meshkit.db.tx import Transactions
from meshkit.events import relay as relay_module
from meshkit.events.bus import Bus, Outgoing
from meshkit.events.registry import Consumer
from meshkit.events.relay import MAX_ATTEMPTS, Relay
from tests.support.events import STORES, TOPIC, emit, emit_all, rows, subscribe
from tests.support.mesh_harness import MeshHarness
from tests.support.outside_calls import on_a_thread_of_its_own

_STATES = "SELECT ordering_key, published_at IS NOT NULL, attempts FROM outbox ORDER BY seq"


class Requests:
    """Records publish requests as (topic, keys) and answers as told."""

    def __init__(self, answer: Callable[[list[str]], Exception | None] = lambda keys: None) -> None:
        self.made: list[tuple[str, list[str]]] = []
        self._answer = answer

    def publish(self, *, topic: str, messages: Sequence[Outgoing]) -> None:
        """Stand in for the bus."""
        keys = [message.ordering_key for message in messages]
        self.made.append((topic, keys))
        error = self._answer(keys)
        if error is not None:
            raise error


@pytest.fixture
def requests(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Requests]:
    def install(answer: Callable[[list[str]], Exception | None] = lambda keys: None) -> Requests:
        recorder = Requests(answer)
        monkeypatch.setattr(relay.bus, "publish", recorder.publish)
        return recorder

    return install


def gates(*versions: int, store: str = "s") -> list[events.StoreGateChanged]:
    return [events.StoreGateChanged(store_id=store, version=version) for version in versions]


class TestRequests:
    def test_one_request_for_each_topic(
        self, transactions: Transactions, relay: Relay, requests: Callable[..., Requests]
    ) -> None:
        recorder = requests()
        emit(transactions, "u1", "u2")
        emit_all(transactions, *gates(1, 2), *gates(1, store="t"))

        assert relay.relay_once() == 5

        assert sorted(recorder.made) == [(STORES, ["s", "s", "t"]), (TOPIC, ["u1", "u2"])]

    def test_a_whole_line_arrives_in_order(self, transactions: Transactions, relay: Relay, bus: Bus) -> None:
        consumer = Consumer("probe", STORES)
        subscribe(bus, consumer)
        emit_all(transactions, *gates(*range(1, 8)))

        relay.relay_once()

        received = bus.pull(subscription=consumer.subscription, limit=10, timeout_s=3)
        versions = [events.StoreGateChanged.FromString(message.data).version for message in received]
        assert versions == [1, 2, 3, 4, 5, 6, 7]

    @pytest.mark.parametrize("limit", ["REQUEST_MESSAGES_MAX", "REQUEST_BYTES_MAX"])
    def test_what_does_not_fit_goes_into_another_request(
        self,
        transactions: Transactions,
        relay: Relay,
        requests: Callable[..., Requests],
        monkeypatch: pytest.MonkeyPatch,
        limit: str,
    ) -> None:
        monkeypatch.setattr(relay_module, limit, 1)
        recorder = requests()
        emit(transactions, "u1", "u2")

        relay.relay_once()

        assert [keys for _, keys in recorder.made] == [["u1"], ["u2"]]
        assert [published for _, published, _ in rows(transactions, _STATES)] == [True, True]


class TestFailures:
    def test_a_refused_row_takes_no_other_along(
        self, transactions: Transactions, relay: Relay, requests: Callable[..., Requests]
    ) -> None:
        requests(lambda keys: InvalidArgument("too large") if "bad" in keys else None)
        emit(transactions, "u1", "bad", "u2")

        assert relay.relay_once() == 3

        assert rows(transactions, "SELECT ordering_key, reason, attempts FROM outbox_dlq") == [
            ("bad", "non_retryable", 1)
        ]
        assert rows(transactions, _STATES) == [("u1", True, 1), ("u2", True, 1)]

    def test_after_a_refused_row_its_line_goes_on(
        self, transactions: Transactions, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[int] = []

        def publish(*, topic: str, messages: Sequence[Outgoing]) -> None:
            versions = [events.StoreGateChanged.FromString(message.data).version for message in messages]
            if 2 in versions:
                raise InvalidArgument("bad")
            sent.extend(versions)

        monkeypatch.setattr(relay.bus, "publish", publish)
        emit_all(transactions, *gates(1, 2, 3))

        relay.relay_once()

        assert sent == [1, 3]
        assert rows(transactions, "SELECT count(*) FROM outbox_dlq") == [(1,)]

    def test_a_bus_that_goes_away_half_way_lets_nothing_overtake(
        self, transactions: Transactions, relay: Relay, mesh: MeshHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[tuple[str, int]] = []
        away = threading.Event()

        def publish(*, topic: str, messages: Sequence[Outgoing]) -> None:
            gate = [events.StoreGateChanged.FromString(message.data) for message in messages]
            if len(gate) > 1 and not away.is_set():
                raise InvalidArgument("something in it")
            if away.is_set() or (gate[0].store_id, gate[0].version) == ("s", 2):
                away.set()
                raise ServiceUnavailable("gone")
            sent.extend((each.store_id, each.version) for each in gate)

        monkeypatch.setattr(relay.bus, "publish", publish)
        emit_all(transactions, *gates(1, 2, 3), *gates(1, 2, store="t"))

        relay.relay_once()

        assert sent == [("s", 1)]
        # Heads back off; what stands behind them was not tried.
        assert rows(transactions, _STATES) == [
            ("s", True, 1), ("s", False, 1), ("s", False, 0), ("t", False, 1), ("t", False, 0),
        ]  # fmt: skip
        assert relay.relay_once() == 0
        monkeypatch.undo()
        mesh.clock.advance(timedelta(seconds=1))
        assert relay.relay_once() == 4

    def test_what_fails_again_and_again_is_tried_without_the_others(
        self, transactions: Transactions, relay: Relay, requests: Callable[..., Requests], mesh: MeshHarness
    ) -> None:
        requests(lambda keys: InternalServerError("cannot take it") if "bad" in keys else None)
        emit(transactions, "u1", "bad", "u2")

        for _ in range(MAX_ATTEMPTS):
            mesh.clock.advance(timedelta(seconds=11))
            relay.relay_once()

        assert rows(transactions, "SELECT ordering_key, reason, attempts FROM outbox_dlq") == [
            ("bad", "max_attempts", 10)
        ]
        assert [(key, published) for key, published, _ in rows(transactions, _STATES)] == [("u1", True), ("u2", True)]

    def test_one_topic_out_of_reach_holds_up_no_other(
        self, transactions: Transactions, relay: Relay, requests: Callable[..., Requests]
    ) -> None:
        requests(lambda keys: ServiceUnavailable("gone") if "u1" in keys else None)
        emit(transactions, "u1")
        emit_all(transactions, *gates(1))

        relay.relay_once()

        assert rows(transactions, _STATES) == [("u1", False, 1), ("s", True, 1)]


class TestClaims:
    def test_a_line_whose_head_is_locked_is_left_alone(self, transactions: Transactions, relay: Relay) -> None:
        emit_all(transactions, *gates(1, 2))
        emit(transactions, "u1")

        with transactions.write(Call()) as tx:
            tx.execute(text("SELECT 1 FROM outbox WHERE ordering_key = 's' ORDER BY seq LIMIT 1 FOR UPDATE"))
            claimed = on_a_thread_of_its_own(relay.relay_once)

        assert claimed == 1
        assert [published for _, published, _ in rows(transactions, _STATES)] == [False, False, True]

    def test_a_line_ends_before_a_row_that_may_not_go_yet(
        self, transactions: Transactions, relay: Relay, mesh: MeshHarness
    ) -> None:
        emit_all(transactions, *gates(1, 2, 3))
        with transactions.write(Call()) as tx:
            tx.execute(
                text("UPDATE outbox SET available_at = :later WHERE seq = (SELECT min(seq) + 1 FROM outbox)"),
                {"later": tx.now + timedelta(seconds=5)},
            )

        first = relay.relay_once()
        mesh.clock.advance(timedelta(seconds=6))
        then = relay.relay_once()

        assert (first, then) == (1, 2)

    def test_rows_that_may_not_go_hide_no_others(
        self, transactions: Transactions, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay_module, "_WINDOW", 2)
        emit(transactions, "u1", "u2", "u3", "ready")
        with transactions.write(Call()) as tx:
            tx.execute(
                text("UPDATE outbox SET available_at = :later WHERE ordering_key <> 'ready'"),
                {"later": tx.now + timedelta(seconds=5)},
            )
        relay._claimed = 1  # as after a busy pass

        assert [relay.relay_once() for _ in range(2)] == [0, 1]

    def test_several_relays_share_a_backlog_without_reordering(
        self, transactions: Transactions, bus: Bus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay_module, "BATCH", 7)
        sent: dict[str, list[int]] = {}
        guard = threading.Lock()

        def publish(*, topic: str, messages: Sequence[Outgoing]) -> None:
            with guard:
                for message in messages:
                    gate: Any = events.StoreGateChanged.FromString(message.data)
                    sent.setdefault(gate.store_id, []).append(gate.version)

        monkeypatch.setattr(bus, "publish", publish)
        stores = [f"s{number}" for number in range(10)]
        for version in range(1, 9):
            emit_all(transactions, *(events.StoreGateChanged(store_id=store, version=version) for store in stores))

        def work() -> None:
            mine = Relay(transactions, bus)
            while rows(transactions, "SELECT count(*) FROM outbox WHERE published_at IS NULL") != [(0,)]:
                mine.relay_once()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert sent == {store: list(range(1, 9)) for store in stores}
