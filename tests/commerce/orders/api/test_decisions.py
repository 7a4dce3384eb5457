"""What vendors decide, through the whole chain."""

from __future__ import annotations

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from tests.commerce.market import Market, status_name
from tests.commerce.stages import last_event, lines_of, refuse, three_lines
from tests.support.mesh_harness import as_dict


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

        assert (status_name(decided), lines_of(decided)) == ("hold", ["fulfilled"])
        assert [event.decision for event in market.events(order.order_id) if hasattr(event, "decision")] == ["accept"]

    @pytest.mark.parametrize(
        ("decisions", "status"),
        [
            (["accept", "accept", "accept"], "hold"),
            (["accept", "reject", "accept"], "hold"),
            (["accept", "accept", "reject"], "hold"),
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

    def test_packs_the_order_with_its_last_pending_line(self, market: Market) -> None:
        order = three_lines(market)
        for line, decision in zip(order.items, ("reject", "accept", "accept"), strict=True):
            decided = as_dict(market.decide_line(order.order_id, line.line_item_id, decision))

        last = order.items[2].line_item_id
        assert (decided["status"], decided.get("hold_reason", ""), decided["fulfillment_status"]) == (
            "hold",
            "awaiting_pickup",
            "partial",
        )
        assert [line["status"] for line in decided["items"]] == ["rejected", "fulfilled", "fulfilled"]
        assert "fulfilled_at" in decided
        (ready,) = [event for event in market.events(order.order_id) if isinstance(event, events.OrderReadyForDispatch)]
        assert (ready.rejected_item_count, ready.resolved_line_item_id) == (1, last)
        assert (ready.order.status, ready.order.total_cents) == ("hold", 5000)
        assert market.fulfill(order.order_id).version == int(decided["version"])
        assert market.prove() == []

    def test_packs_nothing_while_a_payment_hold_lasts(self, market: Market) -> None:
        order = three_lines(market)
        for line in order.items[:2]:
            market.decide_line(order.order_id, line.line_item_id, "accept")
        market.finance("PaymentFailed", order.order_id)

        held = as_dict(market.decide_line(order.order_id, order.items[2].line_item_id, "reject"))
        assert (held["status"], held["hold_reason"]) == ("hold", "payment_mismatch")
        market.finance("PaymentReopened", order.order_id)
        packed = as_dict(market.fulfill(order.order_id))

        assert (packed["status"], packed["hold_reason"], packed["fulfillment_status"]) == (
            "hold",
            "awaiting_pickup",
            "partial",
        )
        ready = [event for event in market.events(order.order_id) if isinstance(event, events.OrderReadyForDispatch)]
        assert [(event.rejected_item_count, event.resolved_line_item_id) for event in ready] == [(1, "")]

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

        assert (decided["status"], decided.get("hold_reason", ""), decided["fulfillment_status"]) == (
            "hold",
            "awaiting_pickup",
            "partial",
        )
        assert decided["balance_due_cents"] == "5000"
        assert market.prove() == []

    def test_rejects_a_packed_order_that_loses_its_last_line(self, market: Market) -> None:
        order = market.packed((market.product(), 1))

        decided = as_dict(market.decide_line(order.order_id, order.items[0].line_item_id, "reject"))

        assert (decided["status"], decided.get("hold_reason", ""), decided["balance_due_cents"]) == (
            "rejected",
            "",
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
