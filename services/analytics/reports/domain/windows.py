"""Windows of time and the buckets of their series. Hours, days, weeks, months and years are those of America/Chicago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.market_day import MARKET_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_PRESET = "30d"
VENDOR_PRESETS = {"7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
# The source computes a month as 180 days.
MARKETPLACE_PRESETS = {
    **VENDOR_PRESETS,
    "1d": timedelta(days=1),
    "1m": timedelta(days=30),
    "1y": timedelta(days=365),
}
# The longest window of each bucket; beyond the last one a point is a year.
_LONGEST = (
    ("hour", timedelta(days=7)),
    ("day", timedelta(days=90)),
    ("week", timedelta(days=2 * 366)),
    ("month", timedelta(days=6 * 366)),
)


@dataclass(frozen=True)
class Window:
    """The instants of `[start, end)`."""

    start: datetime
    end: datetime

    @property
    def bucket(self) -> str:
        """Return what one point of the series is: `hour`, `day`, `week`, `month` or `year`."""
        return next((name for name, longest in _LONGEST if self.end - self.start <= longest), "year")

    def bucket_of(self, at: datetime) -> datetime:
        """Return the start of the bucket that holds `at`, in UTC: local clocks show one hour twice a year."""
        local = at.astimezone(MARKET_ZONE).replace(minute=0, second=0, microsecond=0)
        if self.bucket == "hour":
            return local.astimezone(UTC)
        day = local.replace(hour=0)
        if self.bucket == "week":
            day -= timedelta(days=day.weekday())
        elif self.bucket == "month":
            day = day.replace(day=1)
        elif self.bucket == "year":
            day = day.replace(month=1, day=1)
        return day.astimezone(UTC)

    def buckets(self) -> Iterator[datetime]:
        """Return the starts of all buckets, without gap; the first may begin before the window."""
        current = self.bucket_of(self.start)
        while current < self.end:
            yield current
            current = self._after(current)

    def _after(self, bucket: datetime) -> datetime:
        if self.bucket == "hour":
            return bucket + timedelta(hours=1)
        # From noon of the first day it is so far into the next bucket, whatever the clocks do.
        days = {"day": 1, "week": 7, "month": 31, "year": 366}[self.bucket]
        noon = bucket.astimezone(MARKET_ZONE).replace(hour=12)
        return self.bucket_of(noon + timedelta(days=days))


def window_of(
    *,
    preset: str,
    start: datetime | None,
    end: datetime | None,
    now: datetime,
    presets: Mapping[str, timedelta],
) -> Window:
    """Return the window that is asked for. Raises ValidationError naming the field that does not fit the others."""
    if start is None and end is None:
        return Window(now - presets[preset or DEFAULT_PRESET], now)
    if preset:
        raise ValidationError.of("preset", "cannot be given together with from and to")
    if start is None or end is None:
        raise ValidationError.of("to" if end is None else "from", "from and to belong together")
    if end <= start:
        raise ValidationError.of("to", "must be after from")
    return Window(start, end)
