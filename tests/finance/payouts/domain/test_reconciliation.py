"""Every kind of difference, and every mistake a file can have."""

from __future__ import annotations

from datetime import date

import pytest

from meshkit.errors import ValidationError
from services.finance.payouts.domain.reconciliation import MAX_LINES, Kind, Transfer, compare, parse

HEADER = "amount,currency,reference,date\n"
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
OURS = [Transfer("p1", "run", 100, "USD"), Transfer("p2", "run", 200, "USD"), Transfer("p3", "", 300, "USD")]


def kinds(*lines: str) -> list[tuple[Kind, int, str]]:
    found = compare(parse(HEADER + "\n".join(lines)), OURS, first=FIRST, last=LAST)
    return [(d.kind, d.line.number if d.line else 0, d.ours.payout_id if d.ours else "") for d in found]


class TestCompare:
    def test_finds_nothing_in_a_file_that_agrees(self) -> None:
        assert kinds("200,USD,run,2026-03-01", "100,USD,run,2026-03-31", "300,USD,p3,2026-03-02") == []

    def test_names_each_difference_by_its_kind(self) -> None:
        assert kinds(
            "101,USD,p1,2026-03-02",
            "200,EUR,p2,2026-03-02",
            "200,USD,p2,2026-03-02",
            "5,USD,nobody,2026-03-02",
            "300,USD,p3,2026-04-01",
        ) == [
            (Kind.AMOUNT_DIFFERS, 2, "p1"),
            (Kind.DUPLICATE, 3, ""),
            (Kind.MISSING_HERE, 5, ""),
            (Kind.DATE_OUTSIDE, 6, ""),
            (Kind.MISSING_THERE, 0, "p3"),
        ]

    def test_gives_exact_lines_their_payouts_before_others_can_take_them(self) -> None:
        assert kinds("150,USD,run,2026-03-02", "100,USD,run,2026-03-02", "300,USD,p3,2026-03-02") == [
            (Kind.AMOUNT_DIFFERS, 2, "p2"),
        ]
        assert kinds("100,EUR,run,2026-03-02", "150,USD,run,2026-03-02", "300,USD,p3,2026-03-02") == [
            (Kind.CURRENCY_DIFFERS, 2, "p2"),
            (Kind.AMOUNT_DIFFERS, 3, "p1"),
        ]

    def test_says_all_is_missing_of_an_empty_file(self) -> None:
        assert [kind for kind, *_ in kinds()] == [Kind.MISSING_THERE] * 3


class TestParse:
    @pytest.mark.parametrize(
        ("line", "field"),
        [
            ("-5,USD,x,2026-03-02", "content.line[2].amount"),
            ("0,USD,x,2026-03-02", "content.line[2].amount"),
            ("1.50,USD,x,2026-03-02", "content.line[2].amount"),
            ("9223372036854775808,USD,x,2026-03-02", "content.line[2].amount"),
            ("²,USD,x,2026-03-02", "content.line[2].amount"),
            ("5,usd,x,2026-03-02", "content.line[2].currency"),
            ("5,USD, ,2026-03-02", "content.line[2].reference"),
            ("5,USD,x,2026-02-30", "content.line[2].date"),
            ("5,USD,x", "content.line[2]"),
            ("5,USD,x,20260302", "content.line[2].date"),
            ("5,USD,x,2026-W10-1", "content.line[2].date"),
            ('5,USD,"x,2026-03-02', "content.line[2]"),
            (f"5,USD,{'x' * 500},2026-03-02", "content.line[2]"),
        ],
    )
    def test_names_line_and_field(self, line: str, field: str) -> None:
        with pytest.raises(ValidationError) as refused:
            parse(HEADER + line)

        assert [violation.field for violation in refused.value.violations] == [field]

    def test_counts_the_lines_of_the_file(self) -> None:
        """A quoted line break is part of a reference, U+2028 of a text; empty and blank rows say nothing."""
        content = f'\ufeff{HEADER}5,USD,"a\r\nb",2026-03-02\r\n\r\n , ,,\n6,USD,c\u2028d,2026-03-03\n7,USD,e,x\n'

        with pytest.raises(ValidationError) as refused:
            parse(content)
        assert [violation.field for violation in refused.value.violations] == ["content.line[7].date"]
        lines = parse(content.removesuffix("7,USD,e,x\n"))

        assert [(line.number, line.reference) for line in lines] == [(2, "a\r\nb"), (6, "c\u2028d")]

    def test_wants_the_header(self) -> None:
        for content in ("", "5,USD,x,2026-03-02", "amount,currency\n"):
            with pytest.raises(ValidationError) as refused:
                parse(content)
            assert [violation.field for violation in refused.value.violations] == ["content.line[1]"]

    def test_takes_so_many_lines_and_names_so_many_mistakes(self) -> None:
        line = "5,USD,x,2026-03-02\n"
        assert len(parse(HEADER + line * MAX_LINES)) == MAX_LINES
        with pytest.raises(ValidationError, match="split it by days"):
            parse(HEADER + line * (MAX_LINES + 1))
        with pytest.raises(ValidationError) as refused:
            parse(HEADER + "0,USD,x,2026-03-02\n" * 50)
        assert len(refused.value.violations) == 20
