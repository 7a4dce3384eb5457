"""Orders that nobody decides: to the second, once, and by as many at a time as there are."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from marketmesh.commerce.v1 import order_service_pb2
from meshkit.jobs import JobRunner
from services.commerce.orders.data import orders as order_rows
from services.commerce.orders.usecases import end_lifetimes as job
from tests.commerce.market import Market, status_name
from tests.commerce.stages import lines_of, refuse, three_lines
from tests.support.mesh_harness import as_dict


@pytest.fixture(autouse=True)
def _nothing_is_due(market: Market) -> None:
    """Let what other tests left pending be over, so that every run finds only what its test made."""
    with market.mesh.as_owner("commerce") as tx:
        tx.execute(order_rows.sql("DELETE FROM vendor_order_policies"))
    market.mesh.clock.advance(timedelta(days=31))
    run_all(market)


def run_all(market: Market) -> None:
    while any(market.end_lifetimes()):
        pass


def told(market: Market, order_id: str, event_class: type[Any]) -> list[Any]:
    return [event for event in market.events(order_id) if isinstance(event, event_class)]


def row_of(market: Market, order_id: str) -> Any:
    (row,) = market.mesh.rows("commerce", "SELECT * FROM vendor_orders WHERE id = CAST(:id AS uuid)", id=order_id)
    return row


class TestExpiry:
    def test_waits_for_the_last_second(self, market: Market) -> None:
        order = market.order()
        market.mesh.clock.advance(timedelta(days=9, hours=23, minutes=59, seconds=59))
        run_all(market)
        before = market.read(order.order_id)
        market.mesh.clock.advance(timedelta(seconds=1))

        run_all(market)

        assert status_name(before) == "created_pending"
        assert status_name(market.read(order.order_id)) == "expired"

    def test_rejects_the_lines_and_leaves_nothing_to_be_paid(self, market: Market) -> None:
        order = three_lines(market)
        decided = market.decide_line(order.order_id, order.items[0].line_item_id, "reject", notes="sold out")

        expired = market.expire(order.order_id)

        told_by_rest = as_dict(expired)
        assert (told_by_rest["status"], told_by_rest["payment_status"]) == ("expired", "rejected")
        assert (expired.balance_due_cents, expired.total_cents) == (0, 5000)
        assert expired.expired_at.ToDatetime() == market.mesh.clock.now().replace(tzinfo=None)
        assert expired.version == decided.version + 1
        assert lines_of(expired) == ["rejected"] * 3
        assert [line.notes for line in expired.items] == ["sold out", "order_expired", "order_expired"]
        assert market.prove() == []

    def test_is_told_once_with_the_days_it_took(self, market: Market) -> None:
        order = market.order()

        market.expire(order.order_id)
        market.expire(order.order_id)

        (event,) = told(market, order.order_id, events.OrderExpired)
        assert (event.ttl_days, event.order.status, event.order.version) == (10, "expired", 2)
        assert [line.status for line in event.order.lines] == ["rejected"]

    def test_leaves_an_audit_row(self, market: Market) -> None:
        order = market.order()

        market.expire(order.order_id)

        (row,) = market.mesh.rows(
            "commerce", "SELECT * FROM audit_log WHERE target = :id AND action = 'order.expire'", id=order.order_id
        )
        assert (row.actor, row.before) == ("service:system", {"status": "created_pending"})
        assert row.after == {"status": "expired", "ttl_days": 10}

    def test_leaves_decided_orders_alone(self, market: Market) -> None:
        accepted, rejected, canceled = market.order(), market.order(), market.order()
        market.decide(accepted.order_id, "accept")
        market.decide(rejected.order_id, "reject")
        market.cancel(canceled.order_id)

        states = [status_name(market.expire(order.order_id)) for order in (accepted, rejected, canceled)]

        assert states == ["accepted", "rejected", "canceled"]

    def test_leaves_what_is_paid_for_alone(self, market: Market) -> None:
        order = market.order()
        market.finance("CashCollected", order.order_id)

        assert status_name(market.expire(order.order_id)) == "created_pending"

    def test_comes_too_late_for_a_decision_in_the_same_moment(self, market: Market) -> None:
        order = market.order()
        market.mesh.clock.advance(timedelta(days=10))

        with market.mesh.transaction("commerce") as tx:
            order_rows.lock(tx, uuid.UUID(order.order_id))
            skipped = market.end_lifetimes()
        market.decide(order.order_id, "accept")
        run_all(market)

        assert skipped == (0, 0)
        assert status_name(market.read(order.order_id)) == "accepted"

    def test_ends_every_decision(self, market: Market) -> None:
        order = market.order()
        market.expire(order.order_id)

        refused = refuse(market.decide, order.order_id, "accept")

        assert (refused.reason, refused.metadata["state"]) == ("ORDER_STATE_INVALID", "expired")


class TestReminder:
    def test_waits_for_the_last_second_and_changes_nothing_else(self, market: Market) -> None:
        order = market.order()
        market.mesh.clock.advance(timedelta(days=4, hours=23, minutes=59, seconds=59))
        run_all(market)
        early = told(market, order.order_id, events.OrderPendingNudge)
        market.mesh.clock.advance(timedelta(seconds=1))

        run_all(market)

        assert early == []
        (event,) = told(market, order.order_id, events.OrderPendingNudge)
        assert (event.pending_days, event.order.order_id) == (5, order.order_id)
        assert event.expires_at.ToDatetime() - order.created_at.ToDatetime() == timedelta(days=10)
        assert market.read(order.order_id) == order
        assert row_of(market, order.order_id).pending_nudged_at == market.mesh.clock.now()

    def test_comes_once(self, market: Market) -> None:
        order = market.order()

        for _ in range(4):
            market.mesh.clock.advance(timedelta(days=2))
            run_all(market)

        assert len(told(market, order.order_id, events.OrderPendingNudge)) == 1

    def test_is_left_out_when_the_order_is_over_anyway(self, market: Market) -> None:
        """The job was away for days: nobody is reminded of what expires in the same run."""
        order = market.order()
        market.mesh.clock.advance(timedelta(days=12))

        assert market.end_lifetimes() == (1, 0)

        assert told(market, order.order_id, events.OrderPendingNudge) == []
        assert len(told(market, order.order_id, events.OrderExpired)) == 1


class TestConcurrency:
    def test_ten_at_once_do_everything_once(self, market: Market) -> None:
        old = [market.order().order_id for _ in range(12)]
        market.mesh.clock.advance(timedelta(days=5))
        young = [market.order().order_id for _ in range(12)]
        market.mesh.clock.advance(timedelta(days=5))

        with ThreadPoolExecutor(10) as pool:
            done = list(pool.map(lambda _: market.end_lifetimes(), range(10)))
        done.append(market.end_lifetimes())

        assert [sum(counts) for counts in zip(*done, strict=True)] == [12, 12]
        assert [len(told(market, order_id, events.OrderExpired)) for order_id in old] == [1] * 12
        assert [len(told(market, order_id, events.OrderPendingNudge)) for order_id in young] == [1] * 12
        assert market.prove() == []

    def test_a_run_does_a_bounded_part_and_the_next_the_rest(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job, "BATCH", 2)
        for _ in range(3):
            market.order()
        market.mesh.clock.advance(timedelta(days=20))

        assert [market.end_lifetimes() for _ in range(3)] == [(2, 0), (1, 0), (0, 0)]

    def test_is_one_of_the_jobs_of_the_service(self, market: Market) -> None:
        order = market.order()
        market.mesh.clock.advance(timedelta(days=10))
        process = market.mesh.process("commerce")

        ran = JobRunner(process.wiring.jobs, process.transactions).run_due()

        assert "end_lifetimes" in ran
        assert status_name(market.read(order.order_id)) == "expired"


class TestPolicy:
    def read(self, market: Market, token: str = "") -> order_service_pb2.OrderPolicy:
        request = order_service_pb2.GetOrderPolicyRequest()
        policy: order_service_pb2.OrderPolicy = market.mesh.read(
            market.orders.GetOrderPolicy, request, token=token or market.vendor_token
        )
        return policy

    def test_is_the_market_s_until_the_vendor_chooses(self, market: Market) -> None:
        usual = as_dict(self.read(market))
        market.policy(2, 4)

        assert usual == {"nudge_after_days": 5, "expire_after_days": 10, "chosen": False}
        assert as_dict(self.read(market)) == {"nudge_after_days": 2, "expire_after_days": 4, "chosen": True}

    def test_counts_for_that_vendor_only_and_for_orders_that_wait_already(self, market: Market) -> None:
        other = market.new_vendor()
        own, foreign = market.order(), market.order((market.product(other), 1))
        market.policy(1, 2)
        market.mesh.clock.advance(timedelta(days=1))
        run_all(market)
        market.mesh.clock.advance(timedelta(hours=23, minutes=59, seconds=59))
        run_all(market)
        before = status_name(market.read(own.order_id))
        market.mesh.clock.advance(timedelta(seconds=1))

        run_all(market)

        (reminder,) = told(market, own.order_id, events.OrderPendingNudge)
        (expiry,) = told(market, own.order_id, events.OrderExpired)
        assert (before, reminder.pending_days, expiry.ttl_days) == ("created_pending", 1, 2)
        assert market.read(foreign.order_id, token=market.buyer_token) == foreign
        assert len(market.events(foreign.order_id)) == 1

    def test_may_be_longer_than_usual(self, market: Market) -> None:
        order = market.order()
        market.policy(20, 30)

        assert status_name(market.expire(order.order_id)) == "created_pending"
        assert told(market, order.order_id, events.OrderPendingNudge) == []

    @pytest.mark.parametrize(
        ("nudge", "expiry", "field"),
        [
            (0, 10, "nudge_after_days"),
            (-1, 10, "nudge_after_days"),
            (30, 30, "nudge_after_days"),
            (5, 31, "expire_after_days"),
            (5, 5, "expire_after_days"),
            (6, 5, "expire_after_days"),
            (5, 2**31 - 1, "expire_after_days"),
        ],
    )
    def test_has_bounds(self, market: Market, nudge: int, expiry: int, field: str) -> None:
        refused = refuse(market.policy, nudge, expiry)

        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "VALIDATION_ERROR")
        assert [violated.field for violated in refused.violations] == [field]
        assert not self.read(market).chosen

    def test_is_audited_with_what_it_was(self, market: Market) -> None:
        market.policy(2, 4)
        market.policy(3, 6)

        rows = market.mesh.rows(
            "commerce", "SELECT * FROM audit_log WHERE target = :id AND action = 'order.set_policy'", id=market.vendor
        )
        assert [(row.before, row.after) for row in rows] == [
            (None, {"nudge_days": 2, "expiry_days": 4}),
            ({"nudge_days": 2, "expiry_days": 4}, {"nudge_days": 3, "expiry_days": 6}),
        ]
