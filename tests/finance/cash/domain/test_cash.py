"""Hand-ins, mismatches and what is posted of them."""

from __future__ import annotations

import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.finance.cash.domain.cash import (
    TRANSITIONS,
    Custody,
    HandInAction,
    HandInStatus,
    handed_in,
    is_mismatch,
    next_status,
    recovered,
    written_off,
)

CUSTODY = Custody(uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), "USD")
CENTS = st.integers(-(10**15), 10**15).filter(bool)


class TestNextStatus:
    @pytest.mark.parametrize("pair", list(itertools.product(HandInStatus, HandInAction)))
    def test_allows_what_the_table_says_and_nothing_else(self, pair: tuple[HandInStatus, HandInAction]) -> None:
        assert next_status(*pair) == TRANSITIONS.get(pair)


class TestIsMismatch:
    @given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
    def test_is_one_unless_all_three_say_the_same(self, collected: int, declared: int, counted: int) -> None:
        wrong = is_mismatch(collected_cents=collected, declared_cents=declared, counted_cents=counted)

        assert wrong == (len({collected, declared, counted}) > 1)


class TestEntries:
    @given(CENTS)
    def test_take_from_the_agent_what_they_give_elsewhere(self, cents: int) -> None:
        made = [
            handed_in(CUSTODY, cents=cents, hand_in_id=uuid.uuid4()),
            recovered(CUSTODY, cents=cents, mismatch_id=uuid.uuid4()),
            written_off(CUSTODY, cents=cents, mismatch_id=uuid.uuid4()),
        ]

        for entry in made:
            assert {posting.account: posting.amount_cents for posting in entry.postings}[CUSTODY.carried] == -cents
            assert sum(posting.amount_cents for posting in entry.postings) == 0

    def test_have_keys_of_their_own(self) -> None:
        one = uuid.uuid4()

        keys = {
            handed_in(CUSTODY, cents=1, hand_in_id=one).key,
            recovered(CUSTODY, cents=1, mismatch_id=one).key,
            written_off(CUSTODY, cents=1, mismatch_id=one).key,
        }

        assert len(keys) == 3
