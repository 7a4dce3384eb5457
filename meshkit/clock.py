"""The one way to know the time. Injected everywhere, so that tests own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time: aware UTC."""

    def now(self) -> datetime:
        """Return the current instant."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current instant."""
        return datetime.fromtimestamp(time.time(), tz=UTC)


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the set instant."""
        return self._now

    def advance(self, delta: timedelta) -> datetime:
        """Move by `delta` and return the new instant."""
        self._now += delta
        return self._now
