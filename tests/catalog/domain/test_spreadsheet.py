"""What spreadsheet programs run or change, and how it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.spreadsheet import harmless, plain, values_of

RUN = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", ";=1", "; =1", ",=1", "\ufeff=1", "\u200b=1",
    "＝1+1", "＋1", "－1", "＠x", "\n", "'=1", "''=1",
]  # fmt: skip
CHANGED = [
    "0017", "1E5", "1e5", "1.50", "24:10", "3-4", "3/4", "1-2-2026", "12345678901234567", "MAR1", "SEPT2", "4-Mar",
    "DEC-05", "TRUE", "false", "10:30 pm", "'0017", "2026-03-02", "1,50",
]  # fmt: skip
KEPT = ["17", "ABC", "A-17", "OG Kush 3.5g", "Mar 1 special", "1 lb", "5:2.5|9:10", "E5", "1E5X", "true north", ""]


class TestHarmless:
    @pytest.mark.parametrize("cell", [*RUN, *CHANGED])
    def test_marks_what_would_be_run_or_changed_and_takes_it_back(self, cell: str) -> None:
        assert harmless(cell) == f"'{cell}"
        assert plain(harmless(cell)) == cell

    @pytest.mark.parametrize("cell", KEPT)
    def test_leaves_the_rest_alone(self, cell: str) -> None:
        assert harmless(cell) == cell

    @pytest.mark.parametrize("cell", ["0017", "1E5", "1.50"])
    def test_leaves_numbers_that_are_meant_as_such(self, cell: str) -> None:
        assert harmless(cell, is_text=False) == cell

    @given(st.text(alphabet="'=+-@\t\n 017E:/;,\ufeff＝aMr.", max_size=8))
    def test_is_taken_back_whatever_it_was(self, cell: str) -> None:
        assert plain(harmless(cell)) == cell
        assert plain(harmless(cell, is_text=False)) == cell or cell.startswith("'")


class TestValuesOf:
    @pytest.mark.parametrize(
        ("known", "mangled"),
        [
            ("0017", "17"), ("1E5", "1.00E+05"), ("1E5", "100000"), ("24:10", "24:10:00"), ("3-4", "4-Mar"),
            ("3-4", "3/4/2026"), ("3/4", "04/03/2026"), ("MAR-1", "1-Mar"), ("1.50", "1.5"),
            ("MAR1", "1-Mar"), ("2-1", "2. Jan"), ("24:10", "1.0069444"), ("8:30", "0.354166666666667"),
        ],
    )  # fmt: skip
    def test_share_something_when_one_may_be_the_other(self, known: str, mangled: str) -> None:
        assert values_of(known) & values_of(mangled)

    @pytest.mark.parametrize(
        ("first", "second"), [("17", "18"), ("A17", "17"), ("24:10", "2410"), ("3-4", "3-5"), ("OG", "og")]
    )
    def test_share_nothing_otherwise(self, first: str, second: str) -> None:
        assert not values_of(first) & values_of(second)
