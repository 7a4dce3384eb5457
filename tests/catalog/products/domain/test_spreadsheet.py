"""What spreadsheet programs run or change, and how it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.products.domain.spreadsheet import harmless, places_in, plain, readings_of, values_of

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


class TestReadingsOf:
    @pytest.mark.parametrize(
        ("known", "cell"),
        [
            ("0017", "17"), ("1E5", "1.00E+05"), ("1E5", "100000"), ("24:10", "24:10:00"), ("3-4", "4-Mar"),
            ("3-4", "3/4/2026"), ("3/4", "04/03/2026"), ("MAR-1", "1-Mar"), ("1.50", "1.5"), ("1.50", "1,5"),
            ("MAR1", "1-Mar"), ("MAR1", "2026-03-01"), ("MAR1", "01.03.2026"), ("2-1", "2. Jan"), ("JAN2026", "Jan-26"),
            ("24:10", "1.0069444"), ("8:30", "0.354166666666667"), ("1,000", "1000"), ("1000", "1,000"),
            ("10-20-30", "20/10/2030"),
            ("4006381333931", "4.00638E+12"), ("4006381333931", "4.01E+12"), ("4006381333931", "4,00638E+12"),
            ("8801234567890123", "8.80123E+15"), ("8801234567890123", "8801234567890120"),
            ("00012345678901234567", "1.23457E+16"), ("00012345678901234567", "12345678901234500"),
        ],
    )  # fmt: skip
    def test_are_among_the_values_of_what_the_cell_was(self, known: str, cell: str) -> None:
        readings = readings_of(cell)

        assert values_of(known, places=places_in(readings)) & readings

    @pytest.mark.parametrize(
        ("known", "other"),
        [
            ("17", "18"), ("A17", "17"), ("24:10", "2410"), ("3-4", "3-5"), ("OG", "og"), ("JAN2", "FEB1"), ("FEB1", "JAN2"),
            ("MARBLE3", "MARS3"), ("4006381333931", "4006381333932"), ("4006381333931", "4.00639E+12"),
            ("8801234567890123", "8801234567890124"), ("MAR1", "3-Jan"), ("MAR1", "1-Apr"), ("MAR1", "MAR01"),
            ("MAR-101", "MAR-201"), ("MAR-1001", "MAR-2001"), ("DEC 100", "DEC 200"), ("1.2", "2.1"), ("12.5", "5.12"),
            ("25.50", "50.25"), ("10.20.30", "10.20.31"), ("10-20-30", "10-20-31"), ("JAN-2025", "JAN-2026"), ("40-50", "50-40"),
        ],
    )  # fmt: skip
    def test_of_an_honest_text_are_not(self, known: str, other: str) -> None:
        readings = readings_of(other)

        assert not values_of(known, places=places_in(readings)) & readings

    @pytest.mark.parametrize("text", ["1E28", "1E99", "9" * 30, "2E40", "0." + "0" * 40 + "1", "1e-99", "0", "00", ""])
    def test_of_any_number_can_be_told(self, text: str) -> None:
        assert isinstance(values_of(text, places=range(12)) | readings_of(text), set)
