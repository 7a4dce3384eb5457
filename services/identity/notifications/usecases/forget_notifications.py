"""Notifications older than their time go, read or not (PF-139)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.retention import delete_old
from services.identity.notifications.data import notifications

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from meshkit.jobs import More


def forget_notifications(tx: Tx, *, days: int) -> More | None:
    """Delete a bounded number of those older than so many days; returns MORE if some are left."""
    return delete_old(tx, rules=(notifications.old_ones(keep=timedelta(days=days)),))
