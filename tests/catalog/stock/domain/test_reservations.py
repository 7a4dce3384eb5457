"""Allotting stock, and what an order's state asks of its lines."""

from __future__ import annotations

import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.stock.domain.reservations import (
    TRANSITIONS,
    Line,
    Refusal,
    ReservationState,
    Stock,
    allocate,
    plan_order,
    uncovered,
)

LINE = uuid.uuid4()
ORDER_STATUSES = (
    "created_pending", "accepted", "partially_accepted", "rejected", "fulfilled", "ready_for_dispatch", "hold",
    "hold_for_pickup", "in_transit", "delivered", "closed", "canceled", "expired",
)  # fmt: skip
PRODUCTS = [uuid.UUID(int=number) for number in range(4)]


@st.composite
def carts(draw: st.DrawFn) -> tuple[list[Line], dict[uuid.UUID, Stock]]:
    """Lines of a few products, some of which are missing or inactive."""
    stock = draw(
        st.dictionaries(st.sampled_from(PRODUCTS), st.builds(Stock, st.integers(0, 20), st.booleans()), max_size=4)
    )
    wanted = draw(st.lists(st.tuples(st.sampled_from(PRODUCTS), st.integers(1, 15)), max_size=12))
    return [Line(uuid.uuid4(), uuid.uuid4(), product_id, quantity) for product_id, quantity in wanted], stock


class TestAllot:
    @given(carts())
    def test_never_gives_more_than_there_is(self, cart: tuple[list[Line], dict[uuid.UUID, Stock]]) -> None:
        lines, stock = cart

        outcomes = allocate(lines, stock)

        for product_id, item in stock.items():
            given_out = sum(
                line.quantity
                for line, refusal in zip(lines, outcomes, strict=True)
                if line.product_id == product_id and refusal is None
            )
            assert given_out <= (item.available_qty if item.is_active else 0)

    @given(carts())
    def test_refuses_only_what_does_not_fit_in_its_turn(self, cart: tuple[list[Line], dict[uuid.UUID, Stock]]) -> None:
        lines, stock = cart

        outcomes = allocate(lines, stock)

        taken = dict.fromkeys(PRODUCTS, 0)
        for line, refusal in zip(lines, outcomes, strict=True):
            item = stock.get(line.product_id)
            if item is None or not item.is_active:
                assert refusal is Refusal.NOT_AVAILABLE
            elif item.available_qty - taken[line.product_id] < line.quantity:
                assert refusal is Refusal.INSUFFICIENT_INVENTORY
            else:
                assert refusal is None
                taken[line.product_id] += line.quantity

    def test_serves_a_smaller_later_line_from_what_is_left(self) -> None:
        lines = [Line(uuid.uuid4(), uuid.uuid4(), PRODUCTS[0], quantity) for quantity in (6, 6, 4)]

        assert allocate(lines, {PRODUCTS[0]: Stock(10, is_active=True)}) == [None, Refusal.INSUFFICIENT_INVENTORY, None]


class TestPlanOrder:
    @pytest.mark.parametrize(
        ("order_status", "line_status", "state"),
        list(
            itertools.product(
                ORDER_STATUSES, ("pending", "accepted", "rejected", "fulfilled", "hold"), ReservationState
            )
        ),
    )
    def test_takes_only_declared_ways(self, order_status: str, line_status: str, state: ReservationState) -> None:
        plan = plan_order(order_status=order_status, line_statuses={LINE: line_status}, states={LINE: state})

        targets = {
            ReservationState.RELEASED: bool(plan.release or plan.release_expired),
            ReservationState.CONSUMED: bool(plan.consume) and not plan.reserve_again,
            ReservationState.RESERVED: bool(plan.reserve_again),
        }
        assert {target for target, moves in targets.items() if moves} <= TRANSITIONS[state]

    @pytest.mark.parametrize(
        ("order_status", "line_status", "state", "expected"),
        [
            ("created_pending", "pending", "reserved", "confirm"),
            ("created_pending", "rejected", "reserved", "release"),
            ("accepted", "accepted", "reserved", "confirm"),
            ("canceled", "accepted", "reserved", "release"),
            ("expired", "pending", "reserved", "release"),
            ("rejected", "rejected", "reserved", "release"),
            ("delivered", "fulfilled", "reserved", "consume"),
            ("closed", "fulfilled", "reserved", "consume"),
            ("delivered", "rejected", "reserved", "release"),
            ("created_pending", "pending", "expired", "reserve_again"),
            ("canceled", "pending", "expired", "release_expired"),
        ],
    )
    def test_follows_the_order(self, order_status: str, line_status: str, state: str, expected: str) -> None:
        plan = plan_order(
            order_status=order_status, line_statuses={LINE: line_status}, states={LINE: ReservationState(state)}
        )

        assert {name for name, lines in vars(plan).items() if lines} == {expected}

    @pytest.mark.parametrize("state", ["consumed", "released", "refused"])
    @pytest.mark.parametrize("order_status", ORDER_STATUSES)
    def test_leaves_settled_lines_alone(self, order_status: str, state: str) -> None:
        plan = plan_order(
            order_status=order_status, line_statuses={LINE: "accepted"}, states={LINE: ReservationState(state)}
        )

        assert not any(vars(plan).values())

    def test_reserves_again_and_consumes_an_expired_line_of_a_delivered_order(self) -> None:
        plan = plan_order(
            order_status="delivered", line_statuses={LINE: "fulfilled"}, states={LINE: ReservationState.EXPIRED}
        )

        assert (plan.reserve_again, plan.consume) == ([LINE], [LINE])


class TestUncovered:
    @pytest.mark.parametrize(
        ("order_status", "line_status", "state", "expected"),
        [
            ("accepted", "accepted", "reserved", []),
            ("delivered", "fulfilled", "consumed", []),
            ("accepted", "accepted", "expired", [LINE]),
            ("accepted", "accepted", "released", [LINE]),
            ("accepted", "rejected", "released", []),
            ("canceled", "accepted", "released", []),
        ],
    )
    def test_names_lines_that_count_on_stock_they_do_not_hold(
        self, order_status: str, line_status: str, state: str, expected: list[uuid.UUID]
    ) -> None:
        found = uncovered(
            order_status=order_status, line_statuses={LINE: line_status}, states={LINE: ReservationState(state)}
        )

        assert found == expected

    def test_names_lines_nobody_reserved(self) -> None:
        assert uncovered(order_status="accepted", line_statuses={LINE: "accepted"}, states={}) == [LINE]


class TestTransitions:
    def test_know_every_state(self) -> None:
        assert set(TRANSITIONS) == set(ReservationState)
