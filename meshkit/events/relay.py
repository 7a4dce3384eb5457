"""Publishing side of the outbox: claims the head of each aggregate's line, publishes, marks published.

Head-of-line claims keep the order per aggregate even while a row is leased or backing off. Never "seq greater than last
seen": a transaction that took its number first can commit last.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions as google
from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.db.sql import sql
from meshkit.events.bus import RETRYABLE
from meshkit.events.envelope import attributes_of
from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import OUTBOX_OLDEST_SECONDS, OUTBOX_PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Transactions
    from meshkit.events.bus import Bus

BATCH = 200
MAX_ATTEMPTS = 10
LEASE = timedelta(seconds=30)
BACKOFF_MAX_S = 10.0
JITTER_MAX_S = 0.25
_ERROR_MAX = 1024
_PUBLISHERS = 4
_IDLE_POLLS_MAX = 10

_CLAIM = sql(
    """
    UPDATE outbox SET lease_token = :token, lease_until = :lease_until, attempts = attempts + 1
    WHERE seq IN (
        SELECT o.seq FROM outbox o
        WHERE o.published_at IS NULL AND o.available_at <= :now
          AND (o.lease_until IS NULL OR o.lease_until < :now)
          AND NOT EXISTS (SELECT 1 FROM outbox earlier
                          WHERE earlier.ordering_key = o.ordering_key AND earlier.published_at IS NULL
                            AND earlier.seq < o.seq)
        ORDER BY o.seq LIMIT :batch FOR UPDATE SKIP LOCKED)
    RETURNING seq, event_id, type, version, topic, ordering_key, payload, headers, created_at, attempts
    """
)
_PUBLISHED = sql(
    "UPDATE outbox SET published_at = :now, lease_token = NULL, lease_until = NULL"
    " WHERE seq = ANY(:seqs) AND lease_token = :token"
)
_FAILED = sql(
    "UPDATE outbox SET lease_token = NULL, lease_until = NULL, available_at = :available_at, last_error = :error"
    " WHERE seq = :seq AND lease_token = :token"
)
_DEAD = sql(
    """
    WITH dead AS (DELETE FROM outbox WHERE seq = :seq AND lease_token = :token RETURNING *)
    INSERT INTO outbox_dlq (event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts,
                            failed_at)
    SELECT event_id, type, version, topic, ordering_key, payload, headers, :reason, :error, attempts, :now FROM dead
    ON CONFLICT (event_id) DO UPDATE SET reason = excluded.reason, message = excluded.message,
        attempts = excluded.attempts, failed_at = excluded.failed_at, replayed_at = NULL
    """
)
_OLDEST = sql("SELECT created_at FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1")


@dataclass
class Relay:
    """One relay of a service; any number may run. `wake` is set by commits of the same process."""

    transactions: Transactions
    bus: Bus
    poll_s: float = 0.02
    wake: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._publishers = ThreadPoolExecutor(_PUBLISHERS, thread_name_prefix="publish")
        self._measured_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Relay until told to stop; a database or bus that is away is waited for."""
        idle = 0
        while not stop.is_set():
            try:
                idle = 0 if self.relay_once() else min(idle + 1, _IDLE_POLLS_MAX)
            except SQLAlchemyError as error:
                get_logger().warning("relay.database_away", error=str(error.__cause__ or error))
                stop.wait(0.5)
            if not idle:
                # Gathers what the next commits leave, so that a round trip serves several events.
                stop.wait(self.poll_s)
            else:
                # Commits of this process wake us at once; the growing poll finds those of others.
                self.wake.wait(self.poll_s * idle)
                self.wake.clear()
        self._publishers.shutdown()

    def relay_once(self) -> int:
        """Claim and publish one batch; returns how many rows were claimed."""
        token = new_id()
        with self.transactions.write(Call()) as tx:
            parameters = {"token": token, "now": tx.now, "lease_until": tx.now + LEASE, "batch": BATCH}
            rows = tx.execute(_CLAIM, parameters).all()
        if not rows:
            self._note_oldest()
            return 0
        outcomes = list(self._publishers.map(self._publish, _by_key(rows)))
        with self.transactions.write(Call()) as tx:
            published = [row.seq for rows, error in outcomes if error is None for row in rows]
            tx.execute(_PUBLISHED, {"now": tx.now, "seqs": published, "token": token})
            for rows_of_key, error in outcomes:
                if error is not None:
                    for row in rows_of_key:
                        self._record_failure(tx, row, error, token)
        self._note_oldest()
        return len(rows)

    def _note_oldest(self) -> None:
        """Measure how long the oldest event has been waiting, at most once a second."""
        if time.monotonic() - self._measured_at < 1.0:
            return
        self._measured_at = time.monotonic()
        with self.transactions.read(Call()) as tx:
            oldest = tx.execute(_OLDEST).scalar()
            OUTBOX_OLDEST_SECONDS.set((tx.now - oldest).total_seconds() if oldest else 0)

    def _publish(self, rows: Sequence[Any]) -> tuple[Sequence[Any], Exception | None]:
        first = rows[0]
        try:
            self.bus.publish(
                topic=first.topic,
                ordering_key=first.ordering_key,
                messages=[(bytes(row.payload), attributes_of(row)) for row in rows],
            )
        except google.GoogleAPIError as error:
            OUTBOX_PUBLISHED.labels(first.topic, "error").inc(len(rows))
            return rows, error
        OUTBOX_PUBLISHED.labels(first.topic, "ok").inc(len(rows))
        return rows, None

    def _record_failure(self, tx: Any, row: Any, error: Exception, token: Any) -> None:
        message = f"{type(error).__name__}: {error}"[:_ERROR_MAX]
        retryable = isinstance(error, RETRYABLE)
        if retryable and row.attempts < MAX_ATTEMPTS:
            delay = timedelta(seconds=backoff_s(row.attempts))
            tx.execute(_FAILED, {"seq": row.seq, "token": token, "available_at": tx.now + delay, "error": message})
            get_logger().warning("outbox.publish_failed", event_id=row.event_id, attempts=row.attempts, error=message)
            return
        reason = "max_attempts" if retryable else "non_retryable"
        tx.execute(_DEAD, {"seq": row.seq, "token": token, "reason": reason, "error": message, "now": tx.now})
        get_logger().error("outbox.dead_letter", event_id=row.event_id, type=row.type, reason=reason, error=message)


def backoff_s(attempts: int) -> float:
    """Return the wait before the next attempt: 0.5 s doubling to 10 s, plus up to 250 ms of jitter (A.1.5)."""
    return float(min(0.5 * 2 ** (attempts - 1), BACKOFF_MAX_S) + random.uniform(0, JITTER_MAX_S))


def _by_key(rows: Sequence[Any]) -> list[list[Any]]:
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.seq):
        groups[(row.topic, row.ordering_key)].append(row)
    return list(groups.values())
