"""Copies ended sessions from Postgres to Redis, where every process of the mesh picks them up within a second.

A loop, not an event: it repeats the whole short list, so that a wiped Redis heals by itself.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis
from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.obs.logging import get_logger
from meshkit.revocation import POLL_SECONDS, REDIS_KEY
from services.identity.sessions.usecases.revoked_sessions import revoked_sessions

if TYPE_CHECKING:
    from meshkit.db.tx import Transactions

_REPEAT_SECONDS = 1.0
_FOREVER_MS = 2**53


@dataclass
class RevocationPublisher:
    """Publishes when the list changed, and once a second anyway."""

    transactions: Transactions
    client: redis.Redis

    def __post_init__(self) -> None:
        self._published: dict[str, int] = {}
        self._published_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop."""
        while not stop.wait(POLL_SECONDS):
            try:
                self.publish_once()
            except (redis.RedisError, SQLAlchemyError) as error:
                get_logger().warning("revocations.not_published", error=str(error)[:300])
                stop.wait(_REPEAT_SECONDS)

    def publish_once(self) -> None:
        """Bring Redis up to date."""
        with self.transactions.read(Call()) as tx:
            rows = revoked_sessions(tx)
        # An ended session never counts again; one whose rights changed counts with tokens minted later.
        current = {str(row.id): _FOREVER_MS if row.ended_at else int(row.not_before.timestamp() * 1000) for row in rows}
        if current == self._published and time.monotonic() - self._published_at < _REPEAT_SECONDS:
            return
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.delete(REDIS_KEY)
            if current:
                pipeline.hset(REDIS_KEY, mapping={key: str(value) for key, value in current.items()})
            pipeline.execute()
        self._published, self._published_at = current, time.monotonic()
