"""Windows and their buckets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshkit.errors import ValidationError
from services.analytics.reports.domain.windows import MARKETPLACE_PRESETS, VENDOR_PRESETS, Window, window_of

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 3, 20, 18, 30, tzinfo=UTC)
_instants = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001
    max_value=datetime(2099, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


class TestBucket:
    @pytest.mark.parametrize(
        ("days", "bucket"),
        [
            (1, "hour"), (7, "hour"), (8, "day"), (90, "day"), (91, "week"), (732, "week"), (733, "month"),
            (2196, "month"), (2197, "year"),
        ],
    )  # fmt: skip
    def test_grows_with_the_window(self, days: int, bucket: str) -> None:
        assert Window(NOW - timedelta(days=days), NOW).bucket == bucket

    @pytest.mark.parametrize(
        ("days", "first"),
        [(365, datetime(2025, 3, 17)), (1000, datetime(2023, 6, 1)), (3000, datetime(2018, 1, 1))],  # noqa: DTZ001
        ids=["week from Monday", "month", "year"],
    )
    def test_begins_where_the_markets_calendar_does(self, days: int, first: datetime) -> None:
        window = Window(NOW - timedelta(days=days), NOW)

        assert next(window.buckets()).astimezone(CHICAGO).replace(tzinfo=None) == first

    @given(start=_instants, length=st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=20_000)))
    def test_cover_the_window_without_gap(self, start: datetime, length: timedelta) -> None:
        window = Window(start, start + length)

        starts = list(window.buckets())

        assert starts[0] <= start < (starts[1] if len(starts) > 1 else window.end + timedelta(days=366))
        assert starts[-1] < window.end
        assert all(before < after for before, after in zip(starts, starts[1:], strict=False))
        assert [window.bucket_of(bucket) for bucket in starts] == starts
        assert window.bucket_of(window.end - timedelta(microseconds=1)) == starts[-1]


class TestWindowOf:
    def test_ends_a_preset_now(self) -> None:
        days = {
            name: (NOW - asked(preset=name).start).days for name in MARKETPLACE_PRESETS if asked(preset=name).end == NOW
        }

        assert days == {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "1m": 30, "1y": 365}
        assert set(VENDOR_PRESETS) == {"7d", "30d", "90d"}
        assert asked() == asked(preset="30d")

    def test_takes_two_instants(self) -> None:
        start, end = NOW - timedelta(days=400), NOW - timedelta(days=399)

        assert asked(start=start, end=end) == Window(start, end)

    @pytest.mark.parametrize(
        ("preset", "start", "end", "field"),
        [
            ("7d", NOW, NOW + timedelta(1), "preset"),
            ("7d", NOW, None, "preset"),
            ("", NOW, None, "to"),
            ("", None, NOW, "from"),
            ("", NOW, NOW, "to"),
            ("", NOW, NOW - timedelta(1), "to"),
        ],
        ids=["both", "preset and from", "only from", "only to", "empty", "backwards"],
    )
    def test_names_what_does_not_fit(
        self, preset: str, start: datetime | None, end: datetime | None, field: str
    ) -> None:
        with pytest.raises(ValidationError) as refused:
            asked(preset=preset, start=start, end=end)

        assert [violation.field for violation in refused.value.violations] == [field]


def asked(preset: str = "", start: datetime | None = None, end: datetime | None = None) -> Window:
    return window_of(preset=preset, start=start, end=end, now=NOW, presets=MARKETPLACE_PRESETS)
