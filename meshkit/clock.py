"""The one way to know the time. Injected everywhere, so that tests own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

# How long a moved clock may go on as before.
REREAD_SECONDS = 1.0


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


class MovedClock:
    """The machine's clock, off by what a file says for this service: `<service> <seconds>` per line.

    For tests of what a clock that jumps does to a running mesh: the file is read again at most once a second, and no
    environment that serves real people starts with one (see MeshSettings.clock_file).
    """

    def __init__(self, *, service: str, file: Path) -> None:
        self._service = service
        self._file = file
        self._offset_s, self._read_at = 0.0, float("-inf")

    def now(self) -> datetime:
        """Return the current instant as this service is made to see it."""
        since = time.monotonic()
        if since - self._read_at >= REREAD_SECONDS:
            self._read_at, self._offset_s = since, self._read()
        return datetime.fromtimestamp(time.time() + self._offset_s, tz=UTC)

    def _read(self) -> float:
        try:
            lines = [line.split() for line in self._file.read_text().splitlines()]
        except FileNotFoundError:
            return 0.0
        return next((float(words[1]) for words in lines if words[:1] == [self._service]), 0.0)


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
