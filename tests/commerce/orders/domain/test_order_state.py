"""The one state table, pair by pair."""

from __future__ import annotations

import itertools

import pytest

from services.commerce.orders.domain.order_state import (
    LINE_TRANSITIONS,
    TRANSITIONS,
    Action,
    LineStatus,
    OrderStatus,
    sources,
    status_of_lines,
    targets,
)

S, A, L = OrderStatus, Action, LineStatus

# REQUIREMENTS A.6.4, written out a second time: what is not listed is refused.
ALLOWED = {
    (A.ACCEPT, S.CREATED_PENDING): {S.ACCEPTED},
    (A.REJECT, S.CREATED_PENDING): {S.REJECTED},
    (A.DECIDE_LINE, S.CREATED_PENDING): {S.CREATED_PENDING, S.PARTIALLY_ACCEPTED, S.HOLD, S.REJECTED},
    (A.DECIDE_LINE, S.ACCEPTED): {S.PARTIALLY_ACCEPTED, S.REJECTED},
    (A.DECIDE_LINE, S.PARTIALLY_ACCEPTED): {S.CREATED_PENDING, S.PARTIALLY_ACCEPTED, S.HOLD, S.REJECTED},
    (A.DECIDE_LINE, S.HOLD): {S.HOLD, S.REJECTED},
    (A.FULFILL, S.ACCEPTED): {S.HOLD},
    (A.FULFILL, S.PARTIALLY_ACCEPTED): {S.HOLD},
    (A.FULFILL, S.HOLD): {S.HOLD},
    (A.FULFILL, S.READY_FOR_DISPATCH): {S.READY_FOR_DISPATCH},
    (A.FULFILL, S.HOLD_FOR_PICKUP): {S.HOLD_FOR_PICKUP},
    (A.CANCEL, S.CREATED_PENDING): {S.CANCELED},
    (A.CANCEL, S.ACCEPTED): {S.CANCELED},
    (A.CANCEL, S.PARTIALLY_ACCEPTED): {S.CANCELED},
    (A.CANCEL, S.FULFILLED): {S.CANCELED},
    (A.CANCEL, S.READY_FOR_DISPATCH): {S.CANCELED},
    (A.CANCEL, S.HOLD): {S.CANCELED},
    (A.CANCEL, S.HOLD_FOR_PICKUP): {S.CANCELED},
    (A.REMIND, S.CREATED_PENDING): {S.CREATED_PENDING},
    (A.EXPIRE, S.CREATED_PENDING): {S.EXPIRED},
    (A.NUDGE, S.CREATED_PENDING): {S.CREATED_PENDING},
    (A.RETRY, S.EXPIRED): {S.EXPIRED},
    (A.PICKUP, S.HOLD): {S.IN_TRANSIT},
    (A.PICKUP, S.READY_FOR_DISPATCH): {S.IN_TRANSIT},
    (A.PICKUP, S.HOLD_FOR_PICKUP): {S.IN_TRANSIT},
    (A.PICKUP, S.IN_TRANSIT): {S.IN_TRANSIT},
    (A.DELIVER, S.IN_TRANSIT): {S.DELIVERED},
    (A.DELIVER, S.DELIVERED): {S.DELIVERED},
    (A.COLLECT_CASH, S.HOLD): {S.HOLD},
    (A.COLLECT_CASH, S.READY_FOR_DISPATCH): {S.READY_FOR_DISPATCH},
    (A.COLLECT_CASH, S.HOLD_FOR_PICKUP): {S.HOLD_FOR_PICKUP},
    (A.COLLECT_CASH, S.IN_TRANSIT): {S.IN_TRANSIT},
    (A.COLLECT_CASH, S.DELIVERED): {S.DELIVERED},
    (A.PAY_VENDOR, S.DELIVERED): {S.CLOSED},
    (A.PAY_VENDOR, S.CLOSED): {S.CLOSED},
}
ALIVE = set(S) - {S.REJECTED, S.CLOSED, S.CANCELED, S.EXPIRED}
ALLOWED |= {(A.FAIL_PAYMENT, status): {S.HOLD} for status in ALIVE}
ALLOWED[A.REOPEN_PAYMENT, S.HOLD] = ALIVE
ALLOWED_LINES = {
    (L.PENDING, L.ACCEPTED),
    (L.PENDING, L.REJECTED),
    (L.ACCEPTED, L.REJECTED),
    (L.FULFILLED, L.REJECTED),
    (L.HOLD, L.REJECTED),
}


class TestTransitions:
    @pytest.mark.parametrize(("action", "status"), list(itertools.product(Action, OrderStatus)))
    def test_allows_exactly_what_the_requirement_lists(self, action: Action, status: OrderStatus) -> None:
        assert targets(action, status) == ALLOWED.get((action, status), set())

    def test_leaves_nothing_out_of_a_final_state(self) -> None:
        for status in (S.REJECTED, S.CANCELED, S.EXPIRED):
            assert {after for action in Action for after in targets(action, status)} <= {status}

    def test_has_a_row_for_every_action(self) -> None:
        assert set(TRANSITIONS) == set(Action)

    def test_names_the_states_that_allow_an_action(self) -> None:
        assert sources(A.DELIVER) == "in_transit, delivered"


class TestLineTransitions:
    @pytest.mark.parametrize(("before", "after"), list(itertools.product(LineStatus, LineStatus)))
    def test_allows_exactly_what_is_listed(self, before: LineStatus, after: LineStatus) -> None:
        assert (after in LINE_TRANSITIONS[before]) == ((before, after) in ALLOWED_LINES)


class TestStatusOfLines:
    @pytest.mark.parametrize(
        ("lines", "status"),
        [
            ([L.ACCEPTED, L.ACCEPTED], S.ACCEPTED),
            ([L.ACCEPTED, L.REJECTED], S.PARTIALLY_ACCEPTED),
            ([L.REJECTED, L.REJECTED], S.REJECTED),
            ([L.PENDING, L.ACCEPTED], S.PARTIALLY_ACCEPTED),
            ([L.PENDING, L.REJECTED], S.CREATED_PENDING),
            ([L.PENDING, L.PENDING], S.CREATED_PENDING),
            ([L.FULFILLED, L.REJECTED], S.PARTIALLY_ACCEPTED),
            ([L.FULFILLED], S.ACCEPTED),
        ],
    )
    def test_follows_the_outcomes(self, lines: list[LineStatus], status: OrderStatus) -> None:
        assert status_of_lines(lines) == status

    @pytest.mark.parametrize("before", [S.CREATED_PENDING, S.ACCEPTED, S.PARTIALLY_ACCEPTED])
    def test_every_outcome_of_a_line_decision_is_in_the_table(self, before: OrderStatus) -> None:
        """From every set of lines that gives `before`, each allowed decision leads where the table allows."""
        for lines in itertools.product([L.PENDING, L.ACCEPTED, L.REJECTED], repeat=3):
            if status_of_lines(lines) != before:
                continue
            for index, line in enumerate(lines):
                for after in LINE_TRANSITIONS[line]:
                    changed = [*lines[:index], after, *lines[index + 1 :]]
                    led = status_of_lines(changed)
                    if line == L.PENDING and L.PENDING not in changed and led != S.REJECTED:
                        # The last pending one: what is left is packed.
                        led = S.HOLD
                    assert led in targets(A.DECIDE_LINE, before)
