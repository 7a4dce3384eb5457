"""Publishing side of the outbox: claims rows, publishes them, marks them published.

A line is what waits of one aggregate, claimed from its first row on.
Who has locked its first row has the whole line: order holds per aggregate even while a row is leased or backing off. Never "seq
greater than last seen": a transaction that took its number first can commit last.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from google.api_core import exceptions as google
from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.crash import crash_point
from meshkit.db.sql import sql
from meshkit.events.bus import AWAY, REQUEST_BYTES_MAX, REQUEST_MESSAGES_MAX, RETRYABLE, Outgoing
from meshkit.events.envelope import Claimed, attributes_of
from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import OUTBOX_OLDEST_SECONDS, OUTBOX_PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meshkit.db.tx import Transactions, Tx
    from meshkit.events.bus import Bus

BATCH = 500
# The least time between two batches that are not full. Every batch costs each consumer a batch of its own, so this is what
# decides the cost of events while there are some; an event after a pause is published at once.
CADENCE_S = 0.055
MAX_ATTEMPTS = 10
# From so many attempts on, the rows of a request that keeps failing are sent one by one: one of them may be to blame.
_SUSPECT_ATTEMPTS = 5
LEASE = timedelta(seconds=30)
BACKOFF_MAX_S = 10.0
JITTER_MAX_S = 0.25
_ERROR_MAX = 1024
_PUBLISHERS = 4
_IDLE_POLLS_MAX = 10
# Unpublished rows among which a busy relay looks for its next batch.
_WINDOW = 4 * BATCH


# A backlog may appear faster than statistics learn of it, and plans outlive both. So each statement is written such that
# every plan it can get is linear, and none of them reads the rows that are published already.
_PLAN_BY_INDEX = sql("SELECT set_config('enable_seqscan', 'off', true)", str)
# A lease or delay longer than any that this code sets was set before the clock was put back: it no longer counts.
# A line is what is unpublished of one aggregate, up to the first row that may not go yet. Who locks the head of a line has
# the line; a head that somebody else has locked leaves its whole line to them.
_CLAIM = sql(
    """
    WITH waiting AS MATERIALIZED (
        SELECT seq, ordering_key, (available_at <= :now OR available_at > :latest_retry)
               AND (lease_until IS NULL OR lease_until < :now OR lease_until > :lease_until) AS ready
        FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT CAST(:window AS integer)
    ), lines AS (
        SELECT seq, first_value(seq) OVER line AS head, bool_and(ready) OVER line AS ready
        FROM waiting WINDOW line AS (PARTITION BY ordering_key ORDER BY seq)
    ), chosen AS MATERIALIZED (
        SELECT seq, head FROM lines WHERE ready ORDER BY seq LIMIT :batch
    ), heads AS MATERIALIZED (
        SELECT o.seq FROM outbox o
        WHERE o.seq = ANY(ARRAY(SELECT c.seq FROM chosen c WHERE c.seq = c.head))
          AND (o.published_at IS NULL AND (o.available_at <= :now OR o.available_at > :latest_retry)
               AND (o.lease_until IS NULL OR o.lease_until < :now OR o.lease_until > :lease_until)) IS TRUE
        FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox o SET lease_token = :token, lease_until = :lease_until, attempts = o.attempts + 1
    WHERE o.seq = ANY(ARRAY(SELECT c.seq FROM chosen c WHERE (c.head IN (SELECT h.seq FROM heads h)) IS TRUE))
    RETURNING {o.columns}
    """,
    Claimed,
)
_PUBLISHED = sql(
    "UPDATE outbox SET published_at = :now, lease_token = NULL, lease_until = NULL"
    " WHERE seq = ANY(CAST(:seqs AS bigint[])) AND lease_token = :token"
)
_FAILED = sql(
    """
    UPDATE outbox o SET lease_token = NULL, lease_until = NULL, available_at = f.available_at, last_error = f.error
    FROM unnest(CAST(:seqs AS bigint[]), CAST(:available_ats AS timestamptz[]), CAST(:errors AS text[]))
         AS f (seq, available_at, error)
    WHERE o.seq = f.seq AND o.lease_token = :token
    """
)
# Rows behind a failed one of their line were not tried: the attempt does not count.
_HELD = sql(
    "UPDATE outbox SET lease_token = NULL, lease_until = NULL, attempts = attempts - 1"
    " WHERE seq = ANY(CAST(:seqs AS bigint[])) AND lease_token = :token"
)
_DEAD = sql(
    """
    WITH dead AS (
        DELETE FROM outbox o
        USING unnest(CAST(:seqs AS bigint[]), CAST(:reasons AS text[]), CAST(:errors AS text[]))
              AS f (seq, reason, error)
        WHERE o.seq = f.seq AND o.lease_token = :token
        RETURNING o.event_id, o.type, o.version, o.topic, o.ordering_key, o.payload, o.headers, o.attempts,
                  f.reason, f.error
    )
    INSERT INTO outbox_dlq (event_id, type, version, topic, ordering_key, payload, headers, reason, message, attempts,
                            failed_at)
    SELECT event_id, type, version, topic, ordering_key, payload, headers, reason, error, attempts, :now FROM dead
    ON CONFLICT (event_id) DO UPDATE SET reason = excluded.reason, message = excluded.message,
        attempts = excluded.attempts, failed_at = excluded.failed_at, replayed_at = NULL,
        discarded_at = NULL, discarded_by = NULL, discard_reason = NULL
    """
)
_OLDEST = sql("SELECT created_at FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1", datetime)


_log = get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claimed row: published, or why not."""

    row: Claimed
    error: Exception | None

    @property
    def is_retryable(self) -> bool:
        """Return whether another attempt may succeed."""
        return isinstance(self.error, RETRYABLE)

    @property
    def reason(self) -> str:
        """Return why a row that is given up is."""
        return "max_attempts" if self.is_retryable else "non_retryable"

    @property
    def message(self) -> str:
        """Return the error as text."""
        return f"{type(self.error).__name__}: {self.error}"[:_ERROR_MAX]


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
        self._oldest: datetime | None = None
        self._claimed = 0
        self._unsettled: tuple[uuid.UUID | None, list[Outcome]] = (None, [])

    def run(self, stop: threading.Event) -> None:
        """Relay until told to stop; a database or bus that is away is waited for."""
        OUTBOX_OLDEST_SECONDS.set_function(self.oldest_age_s)
        idle = 0
        while not stop.is_set():
            try:
                started = time.monotonic()
                idle = 0 if self._pass() else min(idle + 1, _IDLE_POLLS_MAX)
                self._note_oldest()
            except SQLAlchemyError as error:
                _log.warning("relay.database_away", error=str(error.__cause__ or error))
                stop.wait(0.5)
            if self._claimed == BATCH:
                continue
            if not idle:
                # Gathers what the next commits leave, for this process and for every consumer of what it publishes.
                stop.wait(max(0.0, started + CADENCE_S - time.monotonic()))
            else:
                # Commits of this process wake us at once; the growing poll finds those of others.
                self.wake.wait(self.poll_s * idle)
                self.wake.clear()
        self._settle_last()
        self._publishers.shutdown()

    def relay_once(self) -> int:
        """Claim and publish one batch and record it; returns how many rows were claimed."""
        claimed = self._pass()
        self._settle_last()
        self._note_oldest()
        return claimed

    def _pass(self) -> int:
        """Record what became of the last batch and claim the next, in one transaction, and publish it."""
        token = new_id()
        with self.transactions.write(Call()) as tx:
            tx.execute(_PLAN_BY_INDEX)
            _settle(tx, self._unsettled)
            # Rows that may not go yet could fill the window for ever: after a pass without any, everything is looked at.
            window = _WINDOW if self._claimed else None
            parameters = {
                "token": token,
                "now": tx.now,
                "lease_until": tx.now + LEASE,
                "latest_retry": tx.now + timedelta(seconds=BACKOFF_MAX_S + JITTER_MAX_S),
                "batch": BATCH,
                "window": window,
            }
            rows = sorted(tx.execute(_CLAIM, parameters), key=lambda row: row.seq)
        self._claimed = len(rows)
        self._unsettled = (token, self._publish_all(rows) if rows else [])
        if rows:
            crash_point("relay", "published")
        return len(rows)

    def _settle_last(self) -> None:
        """Record what became of the last batch; what is not recorded is published again after its lease."""
        try:
            with self.transactions.write(Call()) as tx:
                tx.execute(_PLAN_BY_INDEX)
                _settle(tx, self._unsettled)
            self._unsettled = (None, [])
        except SQLAlchemyError as error:
            _log.warning("relay.database_away", error=str(error.__cause__ or error))

    def _note_oldest(self) -> None:
        """Measure how long the oldest event has been waiting, at most once a second."""
        if time.monotonic() - self._measured_at < 1.0:
            return
        self._measured_at = time.monotonic()
        with self.transactions.read(Call()) as tx:
            self._oldest = tx.execute(_OLDEST).first()

    def oldest_age_s(self) -> float:
        """Return the age of the oldest event known to wait; computed when asked, so that it grows while we hang."""
        oldest = self._oldest
        return max(0.0, (self.transactions.clock.now() - oldest).total_seconds()) if oldest else 0.0

    def _publish_all(self, rows: Sequence[Claimed]) -> list[Outcome]:
        """Publish rows, in order within each topic; topics wait for none of the others."""
        crash_point("relay", "claimed")
        topics: dict[str, list[Claimed]] = defaultdict(list)
        for row in rows:
            topics[row.topic].append(row)
        if len(topics) == 1:
            return self._publish_topic(rows)
        return [
            outcome for outcomes in self._publishers.map(self._publish_topic, topics.values()) for outcome in outcomes
        ]

    def _publish_topic(self, rows: Sequence[Claimed]) -> list[Outcome]:
        """Publish rows of one topic with as few requests as Google allows."""
        outcomes: list[Outcome] = []
        away: Exception | None = None
        for part in _requests([(row, _outgoing(row)) for row in rows]):
            # After a failure nothing more is sent: a later row of the same aggregate would overtake.
            answered = [Outcome(row, away) for row, _ in part] if away else self._publish_part(part)
            away = next((outcome.error for outcome in answered if outcome.is_retryable), None)
            outcomes += answered
        return outcomes

    def _publish_part(self, part: Sequence[tuple[Claimed, Outgoing]]) -> list[Outcome]:
        """Publish with one request, or one for each row when a single one of them may be to blame."""
        error = self._send(part)
        if error is None or len(part) == 1 or not _blames_a_row(error, part):
            return [Outcome(row, error) for row, _ in part]
        outcomes: list[Outcome] = []
        away: Exception | None = None
        stuck: dict[str, Exception] = {}
        for item in part:
            row = item[0]
            outcome = Outcome(row, away or stuck.get(row.ordering_key) or self._send([item]))
            if outcome.error and outcome.is_retryable:
                stuck[row.ordering_key] = outcome.error
                away = outcome.error if isinstance(outcome.error, AWAY) else None
            outcomes.append(outcome)
        return outcomes

    def _send(self, part: Sequence[tuple[Claimed, Outgoing]]) -> Exception | None:
        topic = part[0][0].topic
        try:
            self.bus.publish(topic=topic, messages=[message for _, message in part])
        except google.GoogleAPIError as error:
            OUTBOX_PUBLISHED.labels(topic, "error").inc(len(part))
            failure: Exception = error
            return failure
        OUTBOX_PUBLISHED.labels(topic, "ok").inc(len(part))
        return None


def _blames_a_row(error: Exception, part: Sequence[tuple[Claimed, Outgoing]]) -> bool:
    """Return whether others of the request may fare better alone: a refusal, or what keeps failing on a bus that answers."""
    if not isinstance(error, RETRYABLE):
        return True
    return not isinstance(error, AWAY) and any(row.attempts >= _SUSPECT_ATTEMPTS for row, _ in part)


def _outgoing(row: Claimed) -> Outgoing:
    return Outgoing(row.payload, attributes_of(row), row.ordering_key)


def _requests(items: Sequence[tuple[Claimed, Outgoing]]) -> Iterator[list[tuple[Claimed, Outgoing]]]:
    """Yield the items in parts that fit a request each; one that alone is too large goes alone and is refused."""
    part: list[tuple[Claimed, Outgoing]] = []
    size = 0
    for item in items:
        more = item[1].size_bytes
        if part and (len(part) == REQUEST_MESSAGES_MAX or size + more > REQUEST_BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    if part:
        yield part


def _settle(tx: Tx, batch: tuple[uuid.UUID | None, Sequence[Outcome]]) -> None:
    """Record what became of the rows claimed under a token."""
    token, outcomes = batch
    published = [outcome.row.seq for outcome in outcomes if outcome.error is None]
    if published:
        tx.execute(_PUBLISHED, {"now": tx.now, "seqs": published, "token": token})
        crash_point("relay", "marked")
    if len(published) == len(outcomes):
        return
    failed, held, dead = _sorted_out(outcomes)
    if failed:
        delays = [timedelta(seconds=backoff_s(outcome.row.attempts)) for outcome in failed]
        available = [tx.now + delay for delay in delays]
        tx.execute(_FAILED, {**_facts(failed), "available_ats": available, "token": token})
    if held:
        tx.execute(_HELD, {"seqs": [outcome.row.seq for outcome in held], "token": token})
    if dead:
        reasons = [outcome.reason for outcome in dead]
        tx.execute(_DEAD, {**_facts(dead), "reasons": reasons, "now": tx.now, "token": token})


def _sorted_out(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Outcome], list[Outcome]]:
    """Return what failed and is tried again, what waits behind such a row, and what is given up; and say so."""
    failed: list[Outcome] = []
    held: list[Outcome] = []
    dead: list[Outcome] = []
    waiting: set[tuple[str, str]] = set()
    for outcome in outcomes:
        row, line = outcome.row, (outcome.row.topic, outcome.row.ordering_key)
        if outcome.error is None:
            continue
        if outcome.is_retryable and line in waiting:
            held.append(outcome)
        elif outcome.is_retryable and row.attempts < MAX_ATTEMPTS:
            waiting.add(line)
            failed.append(outcome)
            _log.warning("outbox.publish_failed", event_id=row.event_id, attempts=row.attempts, error=outcome.message)
        else:
            waiting.add(line)
            dead.append(outcome)
            _log.error(
                "outbox.dead_letter", event_id=row.event_id, type=row.type, reason=outcome.reason, error=outcome.message
            )
    return failed, held, dead


def _facts(outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        "seqs": [outcome.row.seq for outcome in outcomes],
        "errors": [outcome.message for outcome in outcomes],
    }


def backoff_s(attempts: int) -> float:
    """Return the wait before the next attempt: 0.5 s doubling to 10 s, plus up to 250 ms of jitter (A.1.5)."""
    return float(min(0.5 * 2 ** (attempts - 1), BACKOFF_MAX_S) + random.uniform(0, JITTER_MAX_S))
