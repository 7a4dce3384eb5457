"""Which sessions no longer count. Identity publishes them to Redis; every process keeps the list in memory.

Identity's Postgres is the truth; Redis is the fast copy that carries it to everybody within a second. A token is refused
when its session was ended, or when it was minted before the session's rights changed. While Redis is away the last
known list counts; access tokens live 15 minutes at most.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import redis

from meshkit.errors import Unauthenticated
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import REDIS_UP, REVOCATIONS_AGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.principal import Principal

# Hash of session id -> unix milliseconds: tokens of that session minted before do not count.
REDIS_KEY = "mm:session:revoked"
POLL_SECONDS = 0.25


class Revocations:
    """The list in this process; refreshed by its own thread."""

    def __init__(self, client: redis.Redis | None) -> None:
        self._client = client
        self._not_before: dict[str, int] = {}
        self._fresh_at = time.monotonic()
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin refreshing."""
        if self._client is not None:
            threading.Thread(target=self._run, name="revocations", daemon=True).start()

    def stop(self) -> None:
        """Stop refreshing."""
        self._stop.set()

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
            raise Unauthenticated("The session was ended or its rights changed.", cause="token_revoked")

    def _run(self) -> None:
        away = False
        while not self._stop.wait(POLL_SECONDS):
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
            REVOCATIONS_AGE_SECONDS.set(time.monotonic() - self._fresh_at)

    def _read(self) -> dict[str, int]:
        assert self._client is not None
        stored: Any = self._client.hgetall(REDIS_KEY)
        return {key.decode(): int(value) for key, value in stored.items()}
