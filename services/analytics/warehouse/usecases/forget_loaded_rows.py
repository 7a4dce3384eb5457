"""Rows that are in the warehouse leave the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.retention import Rule, delete_old
from services.analytics.warehouse.data import warehouse_queue

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from meshkit.jobs import More

KEEP_LOADED = timedelta(days=7)


def forget_loaded_rows(tx: Tx) -> More | None:
    """Delete queue rows that have been in the warehouse for a week, a bounded number; returns MORE if some are left."""
    return delete_old(tx, rules=(Rule(warehouse_queue.DELETE_LOADED, KEEP_LOADED),))
