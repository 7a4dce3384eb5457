"""Receiving side: at-least-once delivery made exactly-once effect by an inbox row in the handler's transaction.

A pulled batch runs in one transaction, set-based where the consumer says how; when anything in it fails,
each message runs in its own, so that one poison message cannot take others along. Order per aggregate holds: what
follows a failed message of its key is given back.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import structlog
from google.api_core import exceptions as google
from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.crash import crash_point
from meshkit.db.engine import is_unavailable, run_with_retries
from meshkit.db.sql import sql
from meshkit.errors import MeshError
from meshkit.events.registry import UnreadableEvent
from meshkit.events.runs import runs_of
from meshkit.obs import tracing
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import INBOX_HANDLED
from meshkit.principal import Principal

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from prometheus_client import Counter

    from meshkit.db.tx import Transactions, Tx
    from meshkit.events.bus import Bus, Received
    from meshkit.events.envelope import Envelope
    from meshkit.events.registry import Consumer, Route

BATCH = 200
MAX_ATTEMPTS = 10
_PULL_SECONDS = 5.0
_AWAY_SECONDS = 0.5
# The least time between two batches that are not full. One relay's batches come further apart than that and are handled at
# once; of several relays it makes batches of a few events each, which cost little more than one alone.
_CADENCE_SECONDS = 0.03
_ERROR_MAX = 1024

_SEEN = sql(
    """
    INSERT INTO inbox (consumer, event_id, handled_at)
    SELECT :consumer, e, :now FROM unnest(CAST(:event_ids AS uuid[])) AS e ORDER BY e
    ON CONFLICT ON CONSTRAINT inbox_pk DO NOTHING RETURNING event_id
    """,
    uuid.UUID,
)
_DEAD = sql(
    """
    INSERT INTO inbox_dlq (consumer, event_id, type, version, topic, ordering_key, payload, headers, reason, message,
                           attempts, failed_at)
    VALUES (:consumer, :event_id, :type, :version, :topic, :ordering_key, :payload, CAST(:headers AS jsonb), :reason,
            :message, :attempts, :now)
    ON CONFLICT ON CONSTRAINT inbox_dlq_pk DO UPDATE SET reason = excluded.reason, message = excluded.message,
        attempts = excluded.attempts, failed_at = excluded.failed_at, replayed_at = NULL,
        discarded_at = NULL, discarded_by = NULL, discard_reason = NULL
    """
)


_log = get_logger()


@dataclass
class ConsumerRunner:
    """Runs one consumer's subscription in the calling thread."""

    consumer: Consumer
    transactions: Transactions
    bus: Bus
    _arrived: float = 0.0
    # What was pulled and the database could not take yet: waiting for the lease to end would delay it, and others of its
    # keys behind it, for seconds.
    _held: Sequence[Received] = ()

    def run(self, stop: threading.Event) -> None:
        """Consume until told to stop; a bus or database that is away is waited for."""
        while not stop.is_set():
            try:
                if 0 < self.consume_once() < BATCH:
                    stop.wait(max(0.0, self._arrived + _CADENCE_SECONDS - time.monotonic()))
            except (google.GoogleAPIError, SQLAlchemyError) as error:
                _log.warning("consumer.waiting", consumer=self.consumer.subscription, error=str(error)[:300])
                stop.wait(_AWAY_SECONDS)

    def consume_once(self, *, timeout_s: float = _PULL_SECONDS) -> int:
        """Pull and handle one batch, or the one that waits for the database; returns how many messages came."""
        subscription = self.consumer.subscription
        messages = self._held or self.bus.pull(subscription=subscription, limit=BATCH, timeout_s=timeout_s)
        if not messages:
            return 0
        self._arrived = time.monotonic()
        self._held = messages
        crash_point(subscription, "pulled")
        done, failed = self._handle(messages)
        self._held = ()
        if done:
            self.bus.acknowledge(subscription=subscription, ack_ids=[message.ack_id for message in done])
            crash_point(subscription, "acknowledged")
        if failed:
            self.bus.reject(subscription=subscription, ack_ids=[message.ack_id for message in failed])
        return len(messages)

    def _handle(self, messages: Sequence[Received]) -> tuple[list[Received], list[Received]]:
        readable = [(message, self._envelope(message)) for message in messages]
        envelopes = [envelope for _, envelope in readable if envelope]
        try:
            run_with_retries(lambda: self._handle_together(envelopes))
        except Exception as error:
            if is_unavailable(error):
                raise
            _log.info("consumer.batch_split", consumer=self.consumer.subscription, error=str(error)[:300])
            return self._handle_apart(readable)
        return list(messages), []

    def _envelope(self, message: Received) -> Envelope | None:
        try:
            return message.envelope(topic=self.consumer.topic)
        except ValueError as error:
            _log.error("consumer.not_an_event", consumer=self.consumer.subscription, error=str(error))
            return None

    def _handle_together(self, envelopes: Sequence[Envelope]) -> None:
        started = time.perf_counter()
        with self.transactions.write(Call(work=self.consumer.subscription)) as tx:
            # An event replayed for other consumers leaves no inbox row here: the original may still be on its way to us.
            mine = [envelope for envelope in envelopes if envelope.is_for(self.consumer.subscription)]
            unseen = self._mark_seen(tx, mine)
            fresh = []
            for envelope in mine:
                if envelope.event_id in unseen:
                    unseen.discard(envelope.event_id)
                    fresh.append(envelope)
                else:
                    self._note(tx, envelope, "duplicate", started)
            for run in runs_of(fresh, set_based=self.consumer.set_based):
                self._handle_run(tx, run)

    def _handle_run(self, tx: Tx, run: Sequence[Envelope]) -> None:
        route = self.consumer.set_based(run[0].type)
        if route is None or len(run) == 1:
            for envelope in run:
                self._handle_one(tx, envelope)
        else:
            self._handle_set(tx, run, route)

    def _handle_one(self, tx: Tx, envelope: Envelope) -> None:
        started = time.perf_counter()
        with self._working_on(tx, envelope):
            handled = self.consumer.handle(tx, envelope)
        self._note(tx, envelope, "ok" if handled else "ignored", started)

    def _handle_set(self, tx: Tx, run: Sequence[Envelope], route: Route) -> None:
        started = time.perf_counter()
        events = [route.decode(envelope) for envelope in run]
        with ExitStack() as spans:
            if tracing.exporting():
                for envelope in run:
                    spans.enter_context(self._span(envelope))
            # A set has no single caller, so what it writes names the consumer instead.
            tx.call.principal, tx.call.request_id, tx.call.traceparent = Principal(service=self.consumer.name), "", ""
            left = route.batch(tx, events) if route.batch else None
        if left:
            envelope_of = {id(event): envelope for event, envelope in zip(events, run, strict=True)}
            for event in left:
                with self._working_on(tx, envelope_of[id(event)]):
                    route.each(tx, event)
        for envelope in run:
            self._note(tx, envelope, "ok", started, batch=len(run))

    @contextmanager
    def _working_on(self, tx: Tx, envelope: Envelope) -> Iterator[None]:
        """Let what is logged, emitted and audited name the event it comes from."""
        request_id = envelope.headers.get("x-request-id", "")
        with structlog.contextvars.bound_contextvars(request_id=request_id), self._span(envelope) as trace:
            tx.call.principal = Principal(service=self.consumer.name, origin=envelope.headers.get("actor", ""))
            tx.call.request_id, tx.call.traceparent = request_id, trace.traceparent
            yield

    def _span(self, envelope: Envelope) -> AbstractContextManager[tracing.Trace]:
        return tracing.span(f"consume {envelope.type}", parent=envelope.traceparent, service=self.consumer.name)

    def _mark_seen(self, tx: Tx, envelopes: Sequence[Envelope]) -> set[uuid.UUID]:
        fresh = tx.execute(
            _SEEN,
            {
                "consumer": self.consumer.subscription,
                "event_ids": list({envelope.event_id for envelope in envelopes}),
                "now": tx.now,
            },
        )
        return set(fresh)

    def _handle_apart(
        self, readable: Sequence[tuple[Received, Envelope | None]]
    ) -> tuple[list[Received], list[Received]]:
        done: list[Received] = []
        failed: list[Received] = []
        blocked: set[str] = set()
        for message, envelope in readable:
            if message.ordering_key and message.ordering_key in blocked:
                failed.append(message)
            elif envelope is None or self._handle_alone(message, envelope):
                done.append(message)
            else:
                blocked.add(message.ordering_key)
                failed.append(message)
        return done, failed

    def _handle_alone(self, message: Received, envelope: Envelope) -> bool:
        try:
            run_with_retries(lambda: self._handle_together([envelope]))
        except Exception as error:
            if is_unavailable(error):
                raise
            return self._after_failure(message, envelope, error)
        return True

    def _after_failure(self, message: Received, envelope: Envelope, error: Exception) -> bool:
        """Return True when the message is settled (dead-lettered), False when it should be delivered again."""
        hopeless = isinstance(error, UnreadableEvent) or (isinstance(error, MeshError) and not error.retryable)
        text_of_error = f"{type(error).__name__}: {error}"[:_ERROR_MAX]
        if not hopeless and message.delivery_attempt < MAX_ATTEMPTS:
            _log.warning(
                "consumer.failed", event_id=envelope.event_id, type=envelope.type, error=text_of_error, exc_info=error
            )
            _handled_counter(self.consumer.subscription, envelope.type, "failed").inc()
            return False
        reason = "non_retryable" if hopeless else "max_attempts"
        with self.transactions.write(Call(work=self.consumer.subscription)) as tx:
            parameters = {
                "reason": reason,
                "message": text_of_error,
                "attempts": message.delivery_attempt,
                "now": tx.now,
            }
            tx.execute(_DEAD, {"consumer": self.consumer.subscription, **_columns(envelope), **parameters})
        _log.error("consumer.dead_letter", event_id=envelope.event_id, reason=reason, error=text_of_error)
        _handled_counter(self.consumer.subscription, envelope.type, "dead").inc()
        return True

    def _note(self, tx: Tx, envelope: Envelope, result: str, started: float, **more: object) -> None:
        """Count and log an event when its transaction is committed."""
        duration_ms = round((time.perf_counter() - started) * 1000, 2)
        tx.after_commit(partial(self._log, envelope, result, duration_ms=duration_ms, **more))

    def _log(self, envelope: Envelope, result: str, **more: object) -> None:
        _handled_counter(self.consumer.subscription, envelope.type, result).inc()
        _log.info(
            "event",
            consumer=self.consumer.subscription,
            type=envelope.type,
            event_id=str(envelope.event_id),
            request_id=envelope.headers.get("x-request-id", ""),
            trace_id=envelope.traceparent[3:35],
            result=result,
            **more,
        )


@cache
def _handled_counter(subscription: str, event_type: str, result: str) -> Counter:
    """Return the counter of what is counted; finding it costs more than counting."""
    return INBOX_HANDLED.labels(subscription, event_type, result)


def _columns(envelope: Envelope) -> dict[str, object]:
    return {
        "event_id": envelope.event_id,
        "type": envelope.type,
        "version": envelope.version,
        "topic": envelope.topic,
        "ordering_key": envelope.ordering_key,
        "payload": envelope.payload,
        "headers": json.dumps(dict(envelope.headers)),
    }
