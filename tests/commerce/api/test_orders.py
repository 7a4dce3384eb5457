"""Orders through the whole chain: every move of A.6.4, every refusal, both perspectives."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from marketmesh.commerce.v1 import commerce_internal_service_pb2, order_pb2, order_service_pb2
from tests.commerce.market import Market, status_name
from tests.support.mesh_harness import Refused, as_dict


def refuse(call: Callable[..., Any], *arguments: Any, **options: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        call(*arguments, **options)
    return refused.value


def three_lines(market: Market) -> order_pb2.Order:
    return market.order(*((market.product(price_cents=cents), 1) for cents in (1000, 2000, 3000)))


def lines_of(order: order_pb2.Order) -> list[str]:
    return [line["status"] for line in as_dict(order)["items"]]


def last_event(market: Market, order_id: str) -> Any:
    return market.events(order_id)[-1]


class TestDecideOrder:
    def test_accepts_all_pending_lines(self, market: Market) -> None:
        order = three_lines(market)

        decided = market.decide(order.order_id, "accept")

        assert (status_name(decided), lines_of(decided), decided.version) == ("accepted", ["accepted"] * 3, 2)
        event = last_event(market, order.order_id)
        assert (type(event), event.decision, event.line_item_id) == (events.OrderDecided, "accept", "")
        assert [line.status for line in event.order.lines] == ["accepted"] * 3

    def test_accepts_what_stock_left_of_it(self, market: Market) -> None:
        scarce = market.product()
        quote = market.quote((scarce, 1), (market.product(), 1))
        market.catalog.stock[scarce] = 0
        (order,) = market.checkout(quote.id).vendor_orders

        decided = market.decide(order.order_id, "accept")

        assert (status_name(decided), lines_of(decided)) == ("accepted", ["rejected", "accepted"])

    def test_rejects_all_lines_and_charges_nothing(self, market: Market) -> None:
        quote = market.quote((market.product(), 1), (market.product(), 2))
        (order,) = market.checkout(quote.id, shipping_line={"price_cents": 400}).vendor_orders

        decided = as_dict(market.decide(order.order_id, "reject"))

        assert (decided["status"], decided["payment_status"]) == ("rejected", "rejected")
        assert [decided[f"{name}_cents"] for name in ("total", "balance_due", "transport_fee", "subtotal")] == ["0"] * 4
        assert [line["status"] for line in decided["items"]] == ["rejected"] * 2
        assert last_event(market, order.order_id).order.lines[0].status == "rejected"
        assert market.prove() == []


class TestDecideLineItem:
    def test_takes_a_rejected_line_out_of_total_and_balance(self, market: Market) -> None:
        order = three_lines(market)

        decided = market.decide_line(order.order_id, order.items[1].line_item_id, "reject", notes="broken")

        assert (order.total_cents, decided.total_cents, decided.balance_due_cents) == (6000, 4000, 4000)
        assert (status_name(decided), lines_of(decided)) == ("created_pending", ["pending", "rejected", "pending"])
        event = last_event(market, order.order_id)
        assert (type(event), event.decision, event.line_item_id) == (
            events.OrderDecided,
            "reject",
            order.items[1].line_item_id,
        )
        assert (event.order.total_cents, event.order.version, event.order.lines[1].notes) == (4000, 2, "broken")

    def test_applies_the_promo_to_what_is_left(self, market: Market) -> None:
        market.catalog.promos[market.vendor, "BIG"] = 1500
        cheap, dear = market.product(price_cents=1000), market.product(price_cents=9000)
        order = market.order((cheap, 1), (dear, 1), promos=[(market.vendor, "BIG")])

        decided = market.decide_line(order.order_id, order.items[1].line_item_id, "reject")

        assert order.total_cents == 8500
        assert (decided.subtotal_cents, decided.discount_cents, decided.total_cents) == (1000, 1000, 0)
        assert market.prove() == []

    @pytest.mark.parametrize("word", ["accept", "fulfill"])
    def test_takes_both_words_for_acceptance(self, market: Market, word: str) -> None:
        order = market.order()

        decided = market.decide_line(order.order_id, order.items[0].line_item_id, word)

        assert (status_name(decided), lines_of(decided)) == ("accepted", ["accepted"])
        assert last_event(market, order.order_id).decision == "accept"

    @pytest.mark.parametrize(
        ("decisions", "status"),
        [
            (["accept", "accept", "accept"], "accepted"),
            (["accept", "reject", "accept"], "partially_accepted"),
            (["reject", "reject", "reject"], "rejected"),
            (["accept", "", ""], "partially_accepted"),
            (["reject", "", ""], "created_pending"),
        ],
    )
    def test_gives_the_order_the_status_of_its_lines(self, market: Market, decisions: list[str], status: str) -> None:
        order = three_lines(market)

        for line, decision in zip(order.items, decisions, strict=True):
            if decision:
                order = market.decide_line(order.order_id, line.line_item_id, decision)

        assert status_name(order) == status
        assert market.prove() == []

    def test_may_still_take_a_line_out_of_an_accepted_order(self, market: Market) -> None:
        order = three_lines(market)
        market.decide(order.order_id, "accept")

        decided = market.decide_line(order.order_id, order.items[0].line_item_id, "reject")

        assert (status_name(decided), decided.total_cents) == ("partially_accepted", 5000)

    def test_takes_a_line_out_of_a_packed_order_without_unpacking_it(self, market: Market) -> None:
        order = three_lines(market)
        market.decide(order.order_id, "accept")
        market.fulfill(order.order_id)

        decided = as_dict(market.decide_line(order.order_id, order.items[0].line_item_id, "reject"))

        assert (decided["status"], decided["hold_reason"], decided["fulfillment_status"]) == (
            "hold",
            "awaiting_pickup",
            "partial",
        )
        assert decided["balance_due_cents"] == "5000"
        assert market.prove() == []

    def test_rejects_a_packed_order_that_loses_its_last_line(self, market: Market) -> None:
        order = market.packed((market.product(), 1))

        decided = as_dict(market.decide_line(order.order_id, order.items[0].line_item_id, "reject"))

        assert (decided["status"], decided["hold_reason"], decided["balance_due_cents"]) == (
            "rejected",
            "unspecified",
            "0",
        )
        assert market.prove() == []

    @pytest.mark.parametrize(("before", "again"), [("accept", "accept"), ("reject", "reject"), ("reject", "accept")])
    def test_decides_a_line_once(self, market: Market, before: str, again: str) -> None:
        order = three_lines(market)
        line = order.items[0].line_item_id
        market.decide_line(order.order_id, line, before)
        count = len(market.events(order.order_id))

        refused = refuse(market.decide_line, order.order_id, line, again)

        assert (refused.reason, refused.metadata["state"]) == ("LINE_STATE_INVALID", f"{before}ed")
        assert len(market.events(order.order_id)) == count

    def test_knows_only_the_orders_own_lines(self, market: Market) -> None:
        order, other = market.order(), market.order()

        assert refuse(market.decide_line, order.order_id, other.items[0].line_item_id, "accept").code == "NOT_FOUND"


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

        assert (canceled["status"], canceled["hold_reason"], canceled["payment_status"]) == (
            "canceled",
            "unspecified",
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


class TestAdvanceDelivery:
    def test_brings_the_order_to_the_buyer(self, market: Market) -> None:
        order = market.packed((market.product(), 1))

        moving = as_dict(market.advance(order.order_id, "pickup"))
        there = as_dict(market.advance(order.order_id, "deliver"))

        assert (moving["status"], moving["hold_reason"], moving["shipping_status"]) == (
            "in_transit",
            "unspecified",
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

        assert read == order
        for token in (market.vendor_token, market.mesh.admin_token()):
            assert (
                refuse(market.mesh.call, market.internal.GetOrderForDelivery, request, token=token).code
                == "UNAUTHENTICATED"
            )


STAGES = (
    "created_pending", "accepted", "partially_accepted", "rejected", "hold", "payment_mismatch", "in_transit",
    "delivered", "closed", "canceled",
)  # fmt: skip


def bring_to(market: Market, stage: str) -> order_pb2.Order:
    """Return an order with two lines that has come as far as `stage`."""
    order = market.order((market.product(), 1), (market.product(), 1))
    if stage == "created_pending":
        return order
    if stage == "canceled":
        return market.cancel(order.order_id)
    if stage == "rejected":
        return market.decide(order.order_id, "reject")
    if stage == "partially_accepted":
        market.decide_line(order.order_id, order.items[0].line_item_id, "reject")
        return market.decide_line(order.order_id, order.items[1].line_item_id, "accept")
    market.decide(order.order_id, "accept")
    if stage == "accepted":
        return market.read(order.order_id)
    market.fulfill(order.order_id)
    if stage == "payment_mismatch":
        market.finance("PaymentFailed", order.order_id)
    for step, reached in (("pickup", "in_transit"), ("deliver", "delivered")):
        if STAGES.index(stage) >= STAGES.index(reached):
            market.advance(order.order_id, step)
    if stage == "closed":
        market.finance("CashCollected", order.order_id)
        market.finance("OrderPaid", order.order_id)
    return market.read(order.order_id)


def actions_on(market: Market, order: order_pb2.Order) -> dict[str, Callable[[], Any]]:
    alive = next((line for line in as_dict(order)["items"] if line["status"] != "rejected"), None)
    line_id = alive["line_item_id"] if alive else order.items[0].line_item_id
    return {
        "accept": lambda: market.decide(order.order_id, "accept"),
        "reject": lambda: market.decide(order.order_id, "reject"),
        "reject line": lambda: market.decide_line(order.order_id, line_id, "reject"),
        "fulfill": lambda: market.fulfill(order.order_id),
        "cancel": lambda: market.cancel(order.order_id),
        "pickup": lambda: market.advance(order.order_id, "pickup"),
        "deliver": lambda: market.advance(order.order_id, "deliver"),
    }


POSSIBLE = {
    "accept": {"created_pending"},
    "reject": {"created_pending"},
    "reject line": {"created_pending", "accepted", "partially_accepted", "hold", "payment_mismatch"},
    "fulfill": {"accepted", "partially_accepted", "hold"},
    "cancel": {"created_pending", "accepted", "partially_accepted", "hold", "payment_mismatch"},
    "pickup": {"hold", "in_transit"},
    "deliver": {"in_transit", "delivered"},
}


class TestEveryPair:
    @pytest.mark.parametrize("stage", STAGES)
    def test_refuses_what_the_table_does_not_allow_and_changes_nothing(self, market: Market, stage: str) -> None:
        order = bring_to(market, stage)
        before, count = market.read(order.order_id), len(market.events(order.order_id))

        for name, action in actions_on(market, before).items():
            if stage in POSSIBLE[name]:
                continue
            refused = refuse(action)
            assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "ORDER_STATE_INVALID"), name
            assert refused.headers["x-http-status"] == "409"
            assert refused.metadata["state"].startswith(as_dict(before)["status"])
            assert refused.metadata["allowed"]

        assert market.read(order.order_id) == before
        assert len(market.events(order.order_id)) == count

    @pytest.mark.parametrize("name", list(POSSIBLE))
    @pytest.mark.parametrize("stage", STAGES)
    def test_allows_what_the_table_allows(self, market: Market, stage: str, name: str) -> None:
        if stage not in POSSIBLE[name]:
            return
        order = bring_to(market, stage)

        assert actions_on(market, order)[name]().version >= order.version


class TestTenancy:
    def test_answers_a_foreign_order_as_a_missing_one(self, market: Market) -> None:
        order, stranger = market.order(), market.mesh.store_token(market.new_vendor())
        missing = str(uuid.uuid4())
        for call in (
            lambda order_id: market.read(order_id, token=stranger),
            lambda order_id: market.decide(order_id, "accept", token=stranger),
            lambda order_id: market.fulfill(order_id, token=stranger),
            lambda order_id: market.cancel(order_id, token=stranger),
            # The vendor of an order is not its buyer.
            lambda order_id: market.cancel(order_id, token=market.vendor_token),
        ):
            foreign, unknown = refuse(call, order.order_id), refuse(call, missing)
            assert foreign.code == "NOT_FOUND"
            assert foreign.status.SerializeToString(deterministic=True) == unknown.status.SerializeToString(
                deterministic=True
            )

    def test_a_buyer_store_decides_nothing(self, market: Market) -> None:
        order = market.order()

        assert refuse(market.decide, order.order_id, "accept", token=market.buyer_token).reason == "FORBIDDEN"

    def test_shows_an_order_to_both_parties(self, market: Market) -> None:
        order = market.order()

        assert market.read(order.order_id, token=market.buyer_token) == market.read(order.order_id) == order


class TestListOrders:
    def list(self, market: Market, token: str, **fields: Any) -> order_service_pb2.ListOrdersResponse:
        request = order_service_pb2.ListOrdersRequest(**fields)
        answer: order_service_pb2.ListOrdersResponse = market.mesh.read(market.orders.ListOrders, request, token=token)
        return answer

    def test_shows_each_side_its_own(self, market: Market) -> None:
        sold = market.order()
        bought = market.send_quote(
            market.quote_request((market.product(market.new_vendor()), 1), buyer=market.vendor),
            token=market.vendor_token,
        )
        market.checkout(bought.id, token=market.vendor_token)

        assert list(self.list(market, market.vendor_token).items) == [sold]
        assert list(self.list(market, market.buyer_token).items) == [sold]

    def test_pages_without_gap_or_repetition(self, market: Market) -> None:
        made = []
        for number in range(12):
            made.append(market.order().order_id)
            if number % 3 == 0:
                market.mesh.clock.advance(timedelta(seconds=1))
        seen, cursor = [], ""

        for _ in range(5):
            page = self.list(market, market.vendor_token, limit=3, cursor=cursor)
            seen += [order.order_id for order in page.items]
            cursor = page.next_cursor
            if not cursor:
                break

        assert (sorted(seen), len(set(seen)), cursor) == (sorted(made), 12, "")
        assert seen[-1] == made[0]

    def test_filters_by_status(self, market: Market) -> None:
        accepted, pending = bring_to(market, "accepted"), market.order()

        for token in (market.buyer_token, market.vendor_token):
            found = self.list(market, token, order_status=[order_pb2.OrderStatus.accepted])
            assert [order.order_id for order in found.items] == [accepted.order_id]
            found = self.list(market, token, order_status=["accepted", "created_pending"])
            assert {order.order_id for order in found.items} == {accepted.order_id, pending.order_id}

    def test_shows_the_vendor_what_waits(self, market: Market) -> None:
        waiting = {bring_to(market, stage).order_id for stage in ("created_pending", "accepted", "partially_accepted")}
        for stage in ("hold", "rejected", "canceled"):
            bring_to(market, stage)

        found = self.list(market, market.vendor_token, actionable=True)

        assert {order.order_id for order in found.items} == waiting

    @pytest.mark.parametrize(
        "fields", [{"order_status": [0]}, {"order_status": [99]}, {"cursor": "nonsense"}, {"limit": 101}]
    )
    def test_refuses_filters_that_mean_nothing(self, market: Market, fields: dict[str, Any]) -> None:
        refused = refuse(self.list, market, market.vendor_token, **fields)

        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "VALIDATION_ERROR")


class TestAudit:
    def test_keeps_who_decided_what(self, market: Market) -> None:
        order = market.order()

        market.decide(order.order_id, "accept")

        rows = market.mesh.rows("commerce", "SELECT * FROM audit_log WHERE target = :id", id=order.order_id)
        assert [(row.action, str(row.actor_store_id), row.before, row.after) for row in rows] == [
            ("order.decide", market.vendor, {"status": "created_pending"}, {"status": "accepted"})
        ]
