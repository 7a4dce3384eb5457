"""Orders made of a cart: nothing is lost, whatever catalog refuses."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.commerce.checkout.domain.attribution import keep_tokens
from services.commerce.checkout.domain.order_plan import Checkout, OrderTerms, plan_orders
from services.commerce.orders.domain.totals import order_totals, split_transport_fee

GROUP = uuid.UUID(int=77)


def item(number: int, *, vendor: int, subtotal: int = 1000, discount: int = 0, promo_cents: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        id=uuid.UUID(int=1000 + number), product_id=uuid.UUID(int=2000 + number), vendor_store_id=uuid.UUID(int=vendor),
        vendor_store_name="V", position=number, title="T", sku="S", category="flower", classification="", strain="",
        unit="gram", moq=1, max_qty=0, quantity=1, unit_price_cents=subtotal, line_discounts_cents=discount,
        line_subtotal_cents=subtotal, line_total_cents=subtotal - discount, applied_min_qty=None, applied_percent=None,
        promo="P" if promo_cents else "", promo_cents=promo_cents, warnings=[], group_warnings=[], thumbnail_media_id=None,
    )  # fmt: skip


def checkout(*items: Any) -> Checkout:
    return Checkout(uuid.UUID(int=5), GROUP, uuid.UUID(int=1), "B", "USD", 0, [], items)


def plan(made: Checkout, refused: dict[uuid.UUID, str] | None = None, shipping: int = 0) -> list[Any]:
    return plan_orders(made, refused or {}, OrderTerms("cash", {}, {"price_cents": shipping}, "Ring twice."))


class TestPlanOrders:
    def test_makes_one_order_per_vendor_with_the_same_ids_every_time(self) -> None:
        made = checkout(item(1, vendor=8), item(2, vendor=9), item(3, vendor=8))

        first, second = plan(made), plan(made)

        assert first == second
        assert [[line.position for line in lines] for _, lines in first] == [[1, 3], [2]]
        assert [order.id for order, _ in first] == [made.order_id(uuid.UUID(int=8)), made.order_id(uuid.UUID(int=9))]

    def test_keeps_volume_discounts_and_applies_the_promo_to_what_is_left(self) -> None:
        made = checkout(
            item(1, vendor=8, subtotal=1000, discount=100, promo_cents=2000),
            item(2, vendor=8, subtotal=5000, discount=500, promo_cents=2000),
        )

        ((whole, _),) = plan(made)
        ((left, lines),) = plan(made, {made.line_id(uuid.UUID(int=1002)): "insufficient_inventory"})

        assert (whole.subtotal_cents, whole.discount_cents, whole.total_cents) == (6000, 2600, 3400)
        assert (left.subtotal_cents, left.discount_cents, left.total_cents) == (1000, 1000, 0)
        assert [(line.status, line.notes) for line in lines] == [
            ("pending", ""),
            ("rejected", "insufficient_inventory"),
        ]

    def test_rejects_an_order_of_which_nothing_is_left(self) -> None:
        made = checkout(item(1, vendor=8), item(2, vendor=9))

        (dead, _), (alive, _) = plan(made, {made.line_id(uuid.UUID(int=1001)): "insufficient_inventory"}, shipping=700)

        assert (dead.status, dead.payment_status, dead.total_cents, dead.balance_due_cents) == (
            "rejected",
            "rejected",
            0,
            0,
        )
        assert (alive.status, alive.transport_fee_cents, alive.balance_due_cents) == ("created_pending", 700, 1700)

    @settings(max_examples=150, deadline=None)
    @given(
        lines=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 10**6), st.integers(0, 100), st.booleans()), min_size=1, max_size=20),
        promo=st.integers(0, 10**6),
        shipping=st.integers(0, 10**5),
    )  # fmt: skip
    def test_loses_no_cent(self, lines: list[tuple[int, int, int, bool]], promo: int, shipping: int) -> None:
        items = [
            item(number, vendor=10 + vendor, subtotal=subtotal, discount=subtotal * percent // 100, promo_cents=promo)
            for number, (vendor, subtotal, percent, _) in enumerate(lines)
        ]
        made = checkout(*items)
        refused = {made.line_id(items[n].id): "gone" for n, (*_, is_refused) in enumerate(lines) if is_refused}

        plans = plan(made, refused, shipping)

        surviving = [order for order, _ in plans if order.status != "rejected"]
        assert sum(order.transport_fee_cents for order in surviving) == (shipping if surviving else 0)
        for order, rows in plans:
            left = [row for row in rows if row.status != "rejected"]
            goods = sum(row.total_cents for row in left)
            assert order.total_cents == goods - min(promo, goods) + order.transport_fee_cents >= 0
            assert order.total_cents == order.subtotal_cents - order.discount_cents + order.transport_fee_cents
            assert order.balance_due_cents == order.total_cents
            assert bool(left) == (order.status == "created_pending")


class TestSplitTransportFee:
    @settings(max_examples=300, deadline=None)
    @given(price=st.integers(0, 10**8), goods=st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
    def test_gives_every_cent_to_somebody(self, price: int, goods: list[int]) -> None:
        parts = split_transport_fee(price, goods)

        assert sum(parts) == price
        assert min(parts) >= 0


class TestOrderTotals:
    def test_carries_nothing_for_nothing(self) -> None:
        totals = order_totals([], promo_cents=500, transport_fee_cents=300)

        assert (totals.subtotal_cents, totals.discount_cents, totals.transport_fee_cents, totals.total_cents) == (
            0,
            0,
            0,
            0,
        )


class TestKeepTokens:
    def test_keeps_the_first_fifty_different_ones_that_fit(self) -> None:
        tokens = ["a", "a", "", "x" * 2049, "ä" * 1025, *(f"t{number}" for number in range(60))]

        assert keep_tokens(tokens) == ["a", *(f"t{number}" for number in range(49))]
