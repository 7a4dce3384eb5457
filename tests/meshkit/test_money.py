"""Money arithmetic: no cent appears or disappears."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshkit.money import percent_of, split_by_weight


class TestPercentOf:
    @pytest.mark.parametrize(
        ("amount", "basis_points", "expected"),
        [(1000, 1000, 100), (5, 1000, 1), (4, 1000, 0), (15, 1000, 2), (1, 0, 0)],
    )
    def test_rounds_half_up(self, amount: int, basis_points: int, expected: int) -> None:
        assert percent_of(amount, basis_points=basis_points) == expected

    @given(st.integers(0, 2**53), st.integers(0, 10_000))
    def test_is_never_further_than_half_a_cent_from_exact(self, amount: int, basis_points: int) -> None:
        exact = Fraction(amount * basis_points, 10_000)

        assert abs(percent_of(amount, basis_points=basis_points) - exact) <= Fraction(1, 2)


class TestSplitByWeight:
    @given(st.integers(0, 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
    def test_sums_to_the_amount(self, amount: int, weights: list[int]) -> None:
        parts = split_by_weight(amount, weights)

        assert sum(parts) == amount
        assert len(parts) == len(weights)
        assert min(parts) >= 0

    @given(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
    def test_no_part_is_a_whole_unit_off(self, amount: int, weights: list[int]) -> None:
        total = sum(weights)

        for part, weight in zip(split_by_weight(amount, weights), weights, strict=True):
            assert abs(part - Fraction(amount * weight, total)) < 1

    def test_gives_ties_to_the_earlier_part(self) -> None:
        assert split_by_weight(100, [1, 1, 1]) == [34, 33, 33]

    def test_splits_nothing_over_nobody(self) -> None:
        assert split_by_weight(5, []) == []
        assert split_by_weight(5, [0, 0]) == [5, 0]
