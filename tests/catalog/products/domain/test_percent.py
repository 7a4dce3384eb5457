"""Percentages keep their value in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.products.domain.percent import format_percent, parse_percent


class TestParsePercent:
    @pytest.mark.parametrize(
        ("text", "basis_points"),
        [("0", 0), ("7.5", 750), ("7.05", 705), ("0.5", 50), ("100", 10_000), ("100.00", 10_000)],
    )
    def test_reads_up_to_two_decimals(self, text: str, basis_points: int) -> None:
        assert parse_percent(text) == basis_points

    @given(st.integers(0, 10_000))
    def test_undoes_format_percent(self, basis_points: int) -> None:
        assert parse_percent(format_percent(basis_points)) == basis_points


class TestFormatPercent:
    @pytest.mark.parametrize(
        ("basis_points", "text"), [(0, "0"), (750, "7.5"), (705, "7.05"), (1000, "10"), (10_000, "100")]
    )
    def test_is_as_short_as_it_can_be(self, basis_points: int, text: str) -> None:
        assert format_percent(basis_points) == text
