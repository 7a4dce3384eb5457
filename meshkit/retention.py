"""Deletes what is past its retention, a bounded number of rows at a time: transactions stay short and lock few rows.

A rule is a DELETE of at most `:batch` rows that are older than `:limit`; the jobs of all services delete through here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshkit.db.sql import Sql, sql
from meshkit.jobs import MORE, More

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshkit.db.tx import Tx
    from meshkit.settings import RetentionSettings

BATCH = 1000

# Unpublished rows are never old. Each statement names its index's predicate.
_PUBLISHED_EVENTS = sql(
    """
    DELETE FROM outbox WHERE seq = ANY(ARRAY(
        SELECT seq FROM outbox WHERE published_at IS NOT NULL AND published_at < :limit
        ORDER BY published_at LIMIT :batch FOR UPDATE SKIP LOCKED))
    """
)
_HANDLED_EVENTS = sql(
    """
    DELETE FROM inbox i USING (
        SELECT consumer, event_id FROM inbox WHERE handled_at < :limit
        ORDER BY handled_at LIMIT :batch FOR UPDATE SKIP LOCKED) AS old
    WHERE i.consumer = old.consumer AND i.event_id = old.event_id
    """
)
# A key whose flow somebody still holds is the only record of what the flow left elsewhere.
_KEYS = sql(
    """
    DELETE FROM idempotency_keys k USING (
        SELECT principal, method, key FROM idempotency_keys
        WHERE expires_at < :limit AND (lease_until IS NULL OR lease_until < :limit)
        ORDER BY expires_at LIMIT :batch FOR UPDATE SKIP LOCKED) AS old
    WHERE k.principal = old.principal AND k.method = old.method AND k.key = old.key
    """
)
# A job's last tick stays: from it the job knows how long it was away.
_JOB_TICKS = sql(
    """
    DELETE FROM job_runs r USING (
        SELECT o.job, o.tick FROM job_runs o
        WHERE o.finished_at < :limit AND EXISTS (SELECT 1 FROM job_runs n WHERE n.job = o.job AND n.tick > o.tick)
        LIMIT :batch FOR UPDATE SKIP LOCKED) AS old
    WHERE r.job = old.job AND r.tick = old.tick
    """
)


@dataclass(frozen=True)
class Rule:
    """A DELETE and the age from which it deletes."""

    statement: Sql[Any]
    keep: timedelta


def chassis_rules(kept: RetentionSettings) -> tuple[Rule, ...]:
    """Return the rules for the tables that every service has."""
    return (
        Rule(_PUBLISHED_EVENTS, timedelta(days=kept.published_events_days)),
        Rule(_HANDLED_EVENTS, timedelta(days=kept.handled_events_days)),
        Rule(_KEYS, timedelta(0)),
        Rule(_JOB_TICKS, timedelta(days=kept.job_ticks_days)),
    )


def delete_old(tx: Tx, *, rules: Iterable[Rule], batch: int = BATCH) -> More | None:
    """Delete at most a batch by each rule; returns MORE when a rule may have more to delete."""
    deleted = [tx.execute(rule.statement, {"limit": tx.now - rule.keep, "batch": batch}).rowcount for rule in rules]
    return MORE if max(deleted, default=0) >= batch else None
