"""What finance's news do to an order."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from marketmesh.commerce.v1 import order_service_pb2
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from meshkit.errors import NotFound
from services.commerce.orders.usecases.refund_payment import refund_payment
from tests.commerce.market import Market
from tests.support.mesh_harness import as_dict


def state(market: Market, order_id: str) -> tuple[str, str, str, str]:
    order = as_dict(market.read(order_id))
    return order["status"], order.get("hold_reason", ""), order["payment_status"], order["balance_due_cents"]


def changes(market: Market, order_id: str) -> list[tuple[str, str]]:
    found = market.events(order_id)
    return [(e.from_status, e.order.status) for e in found if isinstance(e, events.OrderStateChanged)]


class TestCollectCash:
    def test_leaves_nothing_to_pay_and_the_status_as_it_is(self, market: Market) -> None:
        order = market.packed((market.product(), 1))

        market.finance("CashCollected", order.order_id)

        assert state(market, order.order_id) == ("hold", "awaiting_pickup", "settled", "0")
        assert market.read(order.order_id).version == order.version + 1

    def test_counts_once_however_often_it_is_told(self, market: Market) -> None:
        order = market.packed((market.product(), 1))
        event = finance.CashCollected(order_id=order.order_id)

        event_id = market.mesh.deliver("commerce", event)
        market.mesh.deliver("commerce", event, event_id=event_id)
        market.mesh.deliver("commerce", event)

        assert market.read(order.order_id).version == order.version + 1


class TestFailPayment:
    @pytest.mark.parametrize("stage", ["hold", "in_transit", "delivered"])
    def test_holds_the_order_and_gives_it_back_where_it_was(self, market: Market, stage: str) -> None:
        order = market.packed((market.product(), 1))
        for step, reached in (("pickup", "in_transit"), ("deliver", "delivered")):
            if stage == reached or (stage == "delivered" and step == "pickup"):
                market.advance(order.order_id, step)
        reason = "awaiting_pickup" if stage == "hold" else ""

        market.finance("PaymentFailed", order.order_id)
        held = state(market, order.order_id)
        market.finance("PaymentReopened", order.order_id)

        assert held == ("hold", "payment_mismatch", "failed", "1000")
        assert state(market, order.order_id) == (stage, reason, "unpaid", "1000")
        assert changes(market, order.order_id)[-2:] == [(stage, "hold"), ("hold", stage)]
        assert market.prove() == []

    def test_lets_the_vendor_correct_the_amount_meanwhile(self, market: Market) -> None:
        order = market.packed((market.product(price_cents=700), 1), (market.product(price_cents=300), 1))
        market.finance("PaymentFailed", order.order_id)

        market.decide_line(order.order_id, order.items[1].line_item_id, "reject")
        market.finance("PaymentReopened", order.order_id)

        assert state(market, order.order_id) == ("hold", "awaiting_pickup", "unpaid", "700")
        assert market.prove() == []

    def test_remembers_the_first_status_when_it_fails_again(self, market: Market) -> None:
        order = market.packed((market.product(), 1))
        market.advance(order.order_id, "pickup")

        for event in ("PaymentFailed", "PaymentFailed", "PaymentReopened", "PaymentReopened"):
            market.finance(event, order.order_id)

        assert state(market, order.order_id)[0] == "in_transit"

    @pytest.mark.parametrize("news", ["PaymentFailed", "PaymentReopened"])
    def test_brings_no_canceled_order_back(self, market: Market, news: str) -> None:
        order = market.order()
        market.cancel(order.order_id)
        before = state(market, order.order_id)

        market.finance(news, order.order_id)

        assert state(market, order.order_id) == before

    @pytest.mark.parametrize(
        "news", [("PaymentReopened",), ("CashCollected", "PaymentFailed"), ("PaymentFailed", "PaymentReopened")]
    )
    def test_news_of_an_order_that_is_not_held_changes_nothing(self, market: Market, news: tuple[str, ...]) -> None:
        """As it was never held, is paid for, or was reopened already."""
        order = market.packed((market.product(), 1))
        for event in news:
            market.finance(event, order.order_id)
        before, announced = market.read(order.order_id), market.events(order.order_id)

        market.finance(news[-1], order.order_id)

        assert before.status == order.status
        assert market.read(order.order_id) == before
        assert market.events(order.order_id) == announced

    def test_no_hold_forgets_what_it_interrupted(self, market: Market) -> None:
        """A reopening would not know where to take the order, so the database does not let this come about."""
        order = market.packed((market.product(), 1))
        market.finance("PaymentFailed", order.order_id)

        with (
            pytest.raises(IntegrityError, match="vendor_orders_held_status_check"),
            market.mesh.transaction("commerce") as tx,
        ):
            tx.execute(
                text("UPDATE vendor_orders SET held_status = NULL WHERE id = CAST(:id AS uuid)"), {"id": order.order_id}
            )

    def test_keeps_the_money_when_the_reopening_comes_after_it(self, market: Market) -> None:
        order = market.packed((market.product(), 1))
        for event in ("PaymentFailed", "CashCollected", "PaymentReopened"):
            market.finance(event, order.order_id)

        assert state(market, order.order_id) == ("hold", "awaiting_pickup", "settled", "0")
        assert market.prove() == []


class TestPayVendor:
    def test_closes_a_delivered_order_once(self, market: Market) -> None:
        order = market.packed((market.product(), 1))
        market.advance(order.order_id, "pickup")
        market.advance(order.order_id, "deliver")
        market.finance("CashCollected", order.order_id)

        market.finance("OrderPaid", order.order_id)
        market.finance("OrderPaid", order.order_id)

        assert state(market, order.order_id) == ("closed", "", "paid", "0")
        assert changes(market, order.order_id)[-1] == ("delivered", "closed")
        assert len(changes(market, order.order_id)) == 3

    def test_notes_the_payment_of_an_order_that_is_elsewhere(self, market: Market) -> None:
        order = market.packed((market.product(), 1))

        market.finance("OrderPaid", order.order_id)

        assert state(market, order.order_id) == ("hold", "awaiting_pickup", "paid", "0")

    def test_cannot_follow_an_order_nobody_made(self, market: Market) -> None:
        with pytest.raises(NotFound):
            market.finance("OrderPaid", str(uuid.uuid4()))


class TestReturnPayout:
    def test_leaves_the_order_closed_and_says_so_to_its_vendor(self, market: Market) -> None:
        order = market.closed()
        market.mesh.clock.advance(timedelta(days=2))

        market.finance("PayoutReturned", order.order_id, returned_at=market.mesh.clock.now())

        after = market.read(order.order_id)
        assert state(market, order.order_id) == ("closed", "", "settled", "0")
        assert after.payout_returned_at.ToDatetime(tzinfo=UTC) == market.mesh.clock.now()
        assert after.vendor_paid_at == order.vendor_paid_at
        assert after.version == order.version + 1
        assert market.listed(order.order_id) == after
        assert market.prove() == []

    def test_is_none_of_the_buyers_business(self, market: Market) -> None:
        order = market.closed()
        market.finance("PayoutReturned", order.order_id, returned_at=market.mesh.clock.now())

        buyer = market.buyer_token
        for seen in (market.read(order.order_id, token=buyer), market.listed(order.order_id, token=buyer)):
            assert not seen.HasField("payout_returned_at")
            assert not seen.HasField("vendor_paid_at")

    def test_counts_once_however_often_it_is_told(self, market: Market) -> None:
        order = market.closed()

        for _ in range(3):
            market.finance("PayoutReturned", order.order_id, returned_at=market.mesh.clock.now())

        assert market.read(order.order_id).version == order.version + 1

    def test_is_over_when_the_vendor_is_paid_again(self, market: Market) -> None:
        order = market.closed()
        changed_before = changes(market, order.order_id)
        market.mesh.clock.advance(timedelta(days=2))
        market.finance("PayoutReturned", order.order_id, returned_at=market.mesh.clock.now())
        market.mesh.clock.advance(timedelta(days=1))

        market.finance("OrderPaid", order.order_id, vendor_paid_at=market.mesh.clock.now())

        after = market.read(order.order_id)
        assert state(market, order.order_id) == ("closed", "", "paid", "0")
        assert not after.HasField("payout_returned_at")
        assert after.vendor_paid_at.ToDatetime(tzinfo=UTC) == market.mesh.clock.now()
        assert changes(market, order.order_id) == changed_before

    def test_that_comes_after_the_next_payout_changes_nothing(self, market: Market) -> None:
        order = market.closed()
        first_paid = market.mesh.clock.now()
        market.finance("OrderPaid", order.order_id, vendor_paid_at=first_paid + timedelta(days=2))

        market.finance("PayoutReturned", order.order_id, returned_at=first_paid + timedelta(days=1))

        after = market.read(order.order_id)
        assert state(market, order.order_id) == ("closed", "", "paid", "0")
        assert not after.HasField("payout_returned_at")
        assert after.vendor_paid_at.ToDatetime(tzinfo=UTC) == first_paid + timedelta(days=2)

    def test_of_a_payout_that_is_made_up_for_is_not_undone_by_older_news(self, market: Market) -> None:
        order = market.closed()
        first_paid = market.mesh.clock.now()
        market.finance("PayoutReturned", order.order_id, returned_at=first_paid + timedelta(days=1))

        market.finance("OrderPaid", order.order_id, vendor_paid_at=first_paid)

        assert state(market, order.order_id)[2] == "settled"

    def test_of_an_event_without_an_instant_counts_as_now(self, market: Market) -> None:
        order = market.closed()

        market.finance("PayoutReturned", order.order_id)

        after = market.read(order.order_id)
        assert after.payout_returned_at.ToDatetime(tzinfo=UTC) == market.mesh.clock.now()


class TestRefundPayment:
    @pytest.mark.parametrize(
        ("refunds", "status", "cents"),
        [((1,), "partial", 1), ((400, 999), "partial", 999), ((1000,), "full", 1000), ((400, 1000), "full", 1000)],
        ids=str,
    )
    def test_shows_how_much_of_the_order_went_back(
        self, market: Market, refunds: tuple[int, ...], status: str, cents: int
    ) -> None:
        order = market.closed()

        for refunded in refunds:
            market.finance("PaymentRefunded", order.order_id, refunded_cents=refunded)

        for token in (market.buyer_token, market.vendor_token):
            seen = as_dict(market.read(order.order_id, token=token))
            assert (seen["refund_status"], seen["refunded_cents"]) == (status, str(cents))
        assert market.read(order.order_id).version == order.version + len(refunds)
        assert state(market, order.order_id) == ("closed", "", "paid", "0")

    def test_is_none_to_begin_with(self, market: Market) -> None:
        seen = as_dict(market.order())

        assert (seen["refund_status"], seen["refunded_cents"]) == ("none", "0")

    def test_counts_the_greatest_sum_in_whatever_order_news_come(self, market: Market) -> None:
        order = market.closed()

        for refunded in (700, 300, 700):
            market.finance("PaymentRefunded", order.order_id, refunded_cents=refunded)

        seen = as_dict(market.read(order.order_id))
        assert (seen["refund_status"], seen["refunded_cents"]) == ("partial", "700")
        assert market.read(order.order_id).version == order.version + 1

    def test_of_more_than_the_order_costs_is_a_defect_and_changes_nothing(self, market: Market) -> None:
        order = market.closed()

        with pytest.raises(ValueError, match="1001 cents of an order of 1000"):
            market.finance("PaymentRefunded", order.order_id, refunded_cents=1001)

        assert market.read(order.order_id) == order

    def test_is_seen_by_whoever_waited_for_it(self, market: Market) -> None:
        order = market.closed()
        request = order_service_pb2.SetInternalNotesRequest(order_id=order.order_id, internal_notes="late")

        with ThreadPoolExecutor(1) as pool:
            with market.mesh.transaction("commerce") as tx:
                refund_payment(tx, order_id=uuid.UUID(order.order_id), refunded_cents=400, credited_cents=0)
                call = pool.submit(
                    market.mesh.write, market.orders.SetInternalNotes, request, token=market.vendor_token
                )
                market.mesh.wait_for_a_waiter("commerce")
            answer = as_dict(call.result())

        assert (answer["refunded_cents"], answer["refund_status"]) == ("400", "partial")

    def test_cannot_follow_an_order_nobody_made(self, market: Market) -> None:
        with pytest.raises(NotFound):
            market.finance("PaymentRefunded", str(uuid.uuid4()), refunded_cents=1)
