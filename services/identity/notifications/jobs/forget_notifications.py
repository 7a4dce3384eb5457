"""Notifications older than their time go, read or not (PF-139)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from meshkit.db.sql import sql
from meshkit.jobs import Job
from meshkit.retention import Rule, delete_old

_NOTIFICATIONS = sql(
    """
    DELETE FROM notifications WHERE id = ANY(ARRAY(
        SELECT id FROM notifications WHERE created_at < :limit LIMIT :batch FOR UPDATE SKIP LOCKED))
    """
)


def forget_notifications(*, days: int) -> Job:
    """Return the job that deletes notifications after so many days."""
    rules = (Rule(_NOTIFICATIONS, timedelta(days=days)),)
    return Job("forget_notifications", timedelta(minutes=10), partial(delete_old, rules=rules))
