"""The market's own days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from meshkit.errors import ValidationError
from meshkit.market_day import market_day, parse_day, start_of


class TestMarketDay:
    @pytest.mark.parametrize(
        ("instant", "day"),
        [
            (datetime(2026, 3, 2, 5, 59, tzinfo=UTC), date(2026, 3, 1)),
            (datetime(2026, 3, 2, 6, 0, tzinfo=UTC), date(2026, 3, 2)),
            (datetime(2026, 7, 2, 4, 59, tzinfo=UTC), date(2026, 7, 1)),
            (datetime(2026, 7, 2, 5, 0, tzinfo=UTC), date(2026, 7, 2)),
        ],
    )
    def test_begins_at_midnight_where_the_market_is(self, instant: datetime, day: date) -> None:
        assert market_day(instant) == day
        assert start_of(day) <= instant < start_of(day + timedelta(days=1))

    @pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
    def test_is_longer_or_shorter_when_clocks_change(self, day: date) -> None:
        length = start_of(day + timedelta(days=1)).astimezone(UTC) - start_of(day).astimezone(UTC)

        assert length == timedelta(hours=23 if day.month == 3 else 25)


class TestParseDay:
    def test_reads_what_it_says(self) -> None:
        assert parse_day("2026-03-02", field="x") == date(2026, 3, 2)

    @pytest.mark.parametrize(
        "text", ["20260302", "2026-W10-1", "2026-3-2", "2026-02-30", "02/03/2026", "", " 2026-03-02", "２０２６-03-02"]
    )
    def test_takes_one_way_to_write_a_day(self, text: str) -> None:
        with pytest.raises(ValidationError) as refused:
            parse_day(text, field="date_from")

        assert [violation.field for violation in refused.value.violations] == ["date_from"]
