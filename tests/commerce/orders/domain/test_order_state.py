"""The one state table, pair by pair."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from services.commerce.orders.domain.order_state import (
    TRANSITIONS,
    Action,
    LineStatus,
    Move,
    OrderStatus,
    find_move,
    line_targets,
    only_target,
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
    (A.ACCEPT, L.PENDING): {L.ACCEPTED},
    (A.REJECT, L.PENDING): {L.REJECTED},
    (A.REJECT, L.ACCEPTED): {L.REJECTED},
    (A.DECIDE_LINE, L.PENDING): {L.ACCEPTED, L.REJECTED},
    (A.DECIDE_LINE, L.ACCEPTED): {L.REJECTED},
    (A.DECIDE_LINE, L.FULFILLED): {L.REJECTED},
    (A.DECIDE_LINE, L.HOLD): {L.REJECTED},
    (A.FULFILL, L.ACCEPTED): {L.FULFILLED},
    (A.EXPIRE, L.PENDING): {L.REJECTED},
    (A.EXPIRE, L.ACCEPTED): {L.REJECTED},
    (A.EXPIRE, L.FULFILLED): {L.REJECTED},
    (A.EXPIRE, L.HOLD): {L.REJECTED},
}
# Statuses of the contract in which no order of ours stands: what is packed is on hold (K16).
UNUSED = {S.FULFILLED, S.READY_FOR_DISPATCH, S.HOLD_FOR_PICKUP}
README = Path(__file__).parents[4] / "services" / "commerce" / "README.md"


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


class TestMove:
    @pytest.mark.parametrize("action", Action)
    def test_exists_only_as_the_table_has_it(self, action: Action) -> None:
        for before, after in itertools.product(OrderStatus, OrderStatus):
            found = find_move(action, before, to=after)
            if after in ALLOWED.get((action, before), set()):
                assert found == Move(action, before, after)
                assert found.stays == (before == after)
            else:
                assert found is None
                with pytest.raises(ValueError, match=f"{action} does not lead from {before} to {after}"):
                    Move(action, before, after)

    def test_needs_no_target_where_there_is_one(self) -> None:
        assert find_move(A.PICKUP, S.HOLD) == Move(A.PICKUP, S.HOLD, S.IN_TRANSIT)
        assert find_move(A.PICKUP, S.ACCEPTED) is None

    def test_of_many_orders_at_once_leads_all_to_one_status(self) -> None:
        assert only_target(TRANSITIONS[A.EXPIRE]) is S.EXPIRED
        with pytest.raises(ValueError, match="too many values"):
            only_target(TRANSITIONS[A.REOPEN_PAYMENT])


class TestPicture:
    def test_draws_every_move_that_changes_the_status(self) -> None:
        """The README's picture is the table, without the statuses that no order has."""
        listed = {
            (action, before, after)
            for (action, before), allowed in ALLOWED.items()
            for after in allowed
            if not {before, after} & UNUSED
        }
        drawn = {
            (A(word.strip()), S(before), S(after))
            for before, after, label in re.findall(r"^    (\w+) --> (\w+): (.+)$", README.read_text(), re.MULTILINE)
            for word in re.split("[,(]", label)
            if word.strip() in set(Action)
        }

        assert drawn <= listed
        assert listed - drawn <= {(action, before, before) for action in Action for before in OrderStatus}


class TestLineTransitions:
    @pytest.mark.parametrize(("action", "status"), list(itertools.product(Action, LineStatus)))
    def test_allows_exactly_what_is_listed(self, action: Action, status: LineStatus) -> None:
        assert line_targets(action, status) == ALLOWED_LINES.get((action, status), set())


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
                for after in line_targets(A.DECIDE_LINE, line):
                    changed = [*lines[:index], after, *lines[index + 1 :]]
                    led = status_of_lines(changed)
                    if line == L.PENDING and L.PENDING not in changed and led != S.REJECTED:
                        # The last pending one: what is left is packed.
                        led = S.HOLD
                    assert led in targets(A.DECIDE_LINE, before)
