"""Packing, canceling and delivering, through the whole chain."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from marketmesh.commerce.v1 import commerce_internal_service_pb2, order_pb2
from tests.commerce.market import Market, status_name
from tests.commerce.stages import bring_to, last_event, lines_of, refuse, three_lines
from tests.support.mesh_harness import as_dict


class TestFulfillOrder:
    def test_puts_the_order_on_hold_for_its_agent(self, market: Market) -> None:
        order = market.packed((market.product(), 1))

        assert as_dict(order)["status"] == "hold"
        assert as_dict(order)["hold_reason"] == "awaiting_pickup"
        assert as_dict(order)["fulfillment_status"] == "fulfilled"
        assert lines_of(order) == ["fulfilled"]
        assert order.fulfilled_at.ToDatetime() == market.mesh.clock.now().replace(tzinfo=None)
        assert isinstance(last_event(market, order.order_id), events.OrderReadyForDispatch)

    def test_changes_nothing_the_second_time(self, market: Market) -> None:
        first = market.packed((market.product(), 1))
        count = len(market.events(first.order_id))

        second = market.fulfill(first.order_id)

        assert second == first
        assert len(market.events(first.order_id)) == count

    def test_packs_part_of_an_order(self, market: Market) -> None:
        order = three_lines(market)
        for line, decision in zip(order.items, ("accept", "reject", "accept"), strict=True):
            market.decide_line(order.order_id, line.line_item_id, decision)

        packed = market.fulfill(order.order_id)

        assert as_dict(packed)["fulfillment_status"] == "partial"
        assert lines_of(packed) == ["fulfilled", "rejected", "fulfilled"]

    def test_waits_until_every_line_is_decided(self, market: Market) -> None:
        order = three_lines(market)
        market.decide_line(order.order_id, order.items[0].line_item_id, "accept")

        refused = refuse(market.fulfill, order.order_id)

        assert (refused.reason, refused.metadata["state"]) == (
            "ORDER_STATE_INVALID",
            "partially_accepted with pending lines",
        )


class TestCancelOrder:
    @pytest.mark.parametrize("stage", ["created_pending", "accepted", "partially_accepted", "hold"])
    def test_calls_the_order_off_before_it_is_on_its_way(self, market: Market, stage: str) -> None:
        order = bring_to(market, stage)

        canceled = as_dict(market.cancel(order.order_id, reason="changed my mind"))

        assert (canceled["status"], canceled.get("hold_reason", ""), canceled["payment_status"]) == (
            "canceled",
            "",
            "rejected",
        )
        assert canceled["balance_due_cents"] == "0"
        assert "canceled_at" in canceled
        event = last_event(market, order.order_id)
        assert (type(event), event.reason, event.order.status) == (events.OrderCanceled, "changed my mind", "canceled")
        assert market.prove() == []

    def test_leaves_the_lines_what_they_were_so_that_only_held_stock_goes_back(self, market: Market) -> None:
        order = three_lines(market)
        market.decide_line(order.order_id, order.items[0].line_item_id, "reject")

        assert lines_of(market.cancel(order.order_id)) == ["rejected", "pending", "pending"]

    def test_is_also_for_a_vendor_who_bought(self, market: Market) -> None:
        seller = market.new_vendor()
        quote = market.send_quote(
            market.quote_request((market.product(seller), 1), buyer=market.vendor), token=market.vendor_token
        )
        (order,) = market.checkout(quote.id, token=market.vendor_token).vendor_orders

        assert status_name(market.cancel(order.order_id, token=market.vendor_token)) == "canceled"

    def test_is_not_for_an_order_whose_money_was_received(self, market: Market) -> None:
        order = market.packed((market.product(), 1))
        market.finance("CashCollected", order.order_id)

        refused = refuse(market.cancel, order.order_id)

        assert (refused.reason, refused.metadata["state"]) == ("ORDER_STATE_INVALID", "hold (settled)")

    def test_counts_what_a_payment_hold_interrupted(self, market: Market) -> None:
        order = market.packed((market.product(), 1))
        market.advance(order.order_id, "pickup")
        market.finance("PaymentFailed", order.order_id)

        assert refuse(market.cancel, order.order_id).metadata["state"] == "hold (payment_mismatch)"


class TestLinesOfWhatWasHandedOver:
    @pytest.mark.parametrize("stage", ["in_transit", "delivered"])
    def test_are_not_decided_again_on_a_payment_hold(self, market: Market, stage: str) -> None:
        order = bring_to(market, stage)
        market.finance("PaymentFailed", order.order_id)
        before, count = market.read(order.order_id), len(market.events(order.order_id))

        for line in order.items:
            refused = refuse(market.decide_line, order.order_id, line.line_item_id, "reject")
            assert (refused.reason, refused.headers["x-http-status"]) == ("ORDER_STATE_INVALID", "409")
            assert refused.metadata["state"] == f"hold ({stage})"
            assert "credit" in refused.message

        assert market.read(order.order_id) == before
        assert len(market.events(order.order_id)) == count


class TestAdvanceDelivery:
    def test_brings_the_order_to_the_buyer(self, market: Market) -> None:
        order = market.packed((market.product(), 1))

        moving = as_dict(market.advance(order.order_id, "pickup"))
        there = as_dict(market.advance(order.order_id, "deliver"))

        assert (moving["status"], moving.get("hold_reason", ""), moving["shipping_status"]) == (
            "in_transit",
            "",
            "in_transit",
        )
        assert (there["status"], there["shipping_status"]) == ("delivered", "delivered")
        assert "delivered_at" in there
        changes = [event for event in market.events(order.order_id) if isinstance(event, events.OrderStateChanged)]
        assert [(event.from_status, event.order.status) for event in changes] == [
            ("hold", "in_transit"),
            ("in_transit", "delivered"),
        ]

    @pytest.mark.parametrize("step", ["pickup", "deliver"])
    def test_changes_nothing_the_second_time(self, market: Market, step: str) -> None:
        order = market.packed((market.product(), 1))
        first = market.advance(order.order_id, "pickup")
        if step == "deliver":
            first = market.advance(order.order_id, "deliver")
        count = len(market.events(order.order_id))

        assert market.advance(order.order_id, step) == first
        assert len(market.events(order.order_id)) == count

    @pytest.mark.parametrize("later", ["deliver", "PaymentFailed", "closed"])
    @pytest.mark.parametrize("step", ["pickup", "deliver"])
    def test_says_when_a_step_was_taken_wherever_the_order_is(self, market: Market, step: str, later: str) -> None:
        order, at = market.packed((market.product(), 1)), market.mesh.clock.now()
        market.advance(order.order_id, "pickup")
        if step == "deliver" or later in {"deliver", "closed"}:
            market.advance(order.order_id, "deliver")
        if later == "closed":
            market.finance("CashCollected", order.order_id)
            market.finance("OrderPaid", order.order_id, vendor_paid_at=at)
        elif later == "PaymentFailed":
            market.finance("PaymentFailed", order.order_id)
        market.mesh.clock.advance(timedelta(minutes=5))
        before = market.read(order.order_id)

        steps = market.advance(order.order_id, step).delivery_steps

        told = {
            "pickup": (steps.picked_up_by_user_id, steps.picked_up_at),
            "deliver": (steps.delivered_by_user_id, steps.delivered_at),
        }[step]
        assert (told[0], told[1].ToDatetime(tzinfo=UTC)) == (market.agent, at)
        assert market.read(order.order_id) == before

    @pytest.mark.parametrize("step", ["pickup", "deliver"])
    def test_is_one_agents(self, market: Market, step: str) -> None:
        order = market.packed((market.product(), 1))
        market.advance(order.order_id, "pickup")
        market.advance(order.order_id, "deliver")

        refused = refuse(market.advance, order.order_id, step, agent=str(uuid.uuid4()))

        assert (refused.reason, refused.code) == ("ORDER_STATE_INVALID", "FAILED_PRECONDITION")
        assert refused.metadata["state"] == f"delivered ({step} by another agent)"

    def test_tells_who_took_the_steps_in_its_events(self, market: Market) -> None:
        order, at = market.packed((market.product(), 1)), market.mesh.clock.now()
        market.advance(order.order_id, "pickup")
        market.advance(order.order_id, "deliver")

        told = market.events(order.order_id)[-1].order

        assert (told.picked_up_by_user_id, told.delivered_by_user_id) == (market.agent, market.agent)
        assert told.picked_up_at.ToDatetime(tzinfo=UTC) == at

    def test_waits_while_money_and_order_disagree(self, market: Market) -> None:
        order = market.packed((market.product(), 1))
        market.finance("PaymentFailed", order.order_id)

        assert refuse(market.advance, order.order_id, "pickup").reason == "ORDER_STATE_INVALID"

    def test_reads_any_order_for_another_service_and_nobody_else(self, market: Market) -> None:
        order = market.order()
        request = commerce_internal_service_pb2.GetOrderForDeliveryRequest(order_id=order.order_id)

        read, _ = market.mesh.call(
            market.internal.GetOrderForDelivery, request, token=market.mesh.service_token("fulfillment")
        )

        assert read.delivery_steps == order_pb2.DeliverySteps()
        read.ClearField("delivery_steps")
        assert read == order
        for token in (market.vendor_token, market.mesh.admin_token()):
            assert (
                refuse(market.mesh.call, market.internal.GetOrderForDelivery, request, token=token).code
                == "UNAUTHENTICATED"
            )
