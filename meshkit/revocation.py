"""Which sessions no longer count. Identity publishes them to Redis; every process keeps the list in memory.

Identity's Postgres is the truth; Redis is the fast copy that carries it to everybody within a second. A token is refused
when its session was ended, or when it was minted before the session's rights changed. While Redis is away the last
known list counts; access tokens live 15 minutes at most.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import redis

from meshkit.errors import Unauthenticated, UnauthorizedCause
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import REDIS_UP, REVOCATIONS_AGE_SECONDS, REVOCATIONS_UNREADABLE

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from meshkit.principal import Principal

# Hash of session id -> unix milliseconds: tokens of that session minted before do not count.
REDIS_KEY = "mm:session:revoked"
POLL_SECONDS = 0.25


class Revocations:
    """The list in this process; `run` keeps it fresh."""

    def __init__(self, client: redis.Redis | None) -> None:
        self._client = client
        self._not_before: dict[str, int] = {}
        self._fresh_at = time.monotonic()
        self._unreadable = 0

    def age_s(self) -> float:
        """Return the seconds since the list was read."""
        return time.monotonic() - self._fresh_at

    def replace(self, not_before_ms: Mapping[str, int]) -> None:
        """Take over a new list."""
        self._not_before = dict(not_before_ms)
        self._fresh_at = time.monotonic()

    def check(self, principal: Principal) -> None:
        """Raise Unauthenticated if the principal's token no longer counts."""
        if principal.session_id is None:
            return
        not_before = self._not_before.get(str(principal.session_id))
        if not_before is not None and int(str(principal.claims["mms"])) < not_before:
            raise Unauthenticated("The session was ended or its rights changed.", cause=UnauthorizedCause.REVOKED)

    def run(self, stop: threading.Event) -> None:
        """Refresh until told to stop."""
        # Computed on each scrape, so that it keeps growing when the refresh thread has died.
        REVOCATIONS_AGE_SECONDS.set_function(self.age_s)
        away = False
        while not stop.wait(POLL_SECONDS):
            try:
                self.replace(self._read())
                if away:
                    get_logger().info("revocations.redis_back")
                away = False
            except redis.RedisError as error:
                if not away:
                    get_logger().warning("revocations.redis_away", error=str(error))
                away = True
            REDIS_UP.set(not away)

    def _read(self) -> dict[str, int]:
        """Return what Redis has. Entries that are none are skipped and counted; what was known of them goes on counting."""
        assert self._client is not None
        stored: Any = self._client.hgetall(REDIS_KEY)
        read = {key.decode(errors="replace"): _instant(value) for key, value in stored.items()}
        unreadable = [key for key, value in read.items() if value is None]
        REVOCATIONS_UNREADABLE.inc(len(unreadable))
        if len(unreadable) != self._unreadable:
            get_logger().error("revocations.unreadable", entries=len(unreadable))
        self._unreadable = len(unreadable)
        kept = {key: self._not_before[key] for key in unreadable if key in self._not_before}
        return {key: value for key, value in read.items() if value is not None} | kept


def _instant(value: bytes) -> int | None:
    try:
        return int(value)
    except ValueError:
        return None
