"""Moves queued rows into the warehouse: read, load outside any transaction, mark.

A crash between loading and marking loads the same event ids again, which the warehouse refuses.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.errors import DependencyUnavailable
from meshkit.obs.logging import get_logger
from meshkit.retention import Rule, delete_old
from services.analytics.warehouse.data import warehouse_queue

if TYPE_CHECKING:
    from meshkit.db.tx import Transactions, Tx
    from meshkit.jobs import More
    from services.analytics.outbound.ports import Warehouse

BATCH = 1000
# A load costs the warehouse the same for one row or a thousand.
_IDLE_SECONDS = 2.0
_AWAY_SECONDS = 2.0
KEEP_LOADED = timedelta(days=7)


@dataclass(frozen=True)
class WarehouseLoader:
    """One loader per process; two at once only do work twice, never rows."""

    transactions: Transactions
    warehouse: Warehouse

    def run(self, stop: threading.Event) -> None:
        """Load until told to stop; a warehouse that is away is waited for."""
        away = False
        while not stop.is_set():
            try:
                loaded = self.load_once()
                away = False
            except (DependencyUnavailable, SQLAlchemyError) as error:
                if not away:
                    get_logger().warning("warehouse.away", error=str(error.__cause__ or error)[:300])
                away, loaded = True, 0
            if loaded < BATCH:
                stop.wait(_AWAY_SECONDS if away else _IDLE_SECONDS)

    def load_once(self) -> int:
        """Load one batch; returns how many rows. Raises DependencyUnavailable."""
        with self.transactions.read(Call()) as tx:
            rows = warehouse_queue.waiting(tx, limit=BATCH)
        if not rows:
            return 0
        self.warehouse.load([row.row for row in rows])
        with self.transactions.write(Call()) as tx:
            warehouse_queue.mark_loaded(tx, [row.seq for row in rows])
        get_logger().info("warehouse.loaded", rows=len(rows))
        return len(rows)


def forget_loaded_rows(tx: Tx) -> More | None:
    """Delete queue rows that have been in the warehouse for a week, a bounded number; returns MORE if some are left."""
    return delete_old(tx, rules=(Rule(warehouse_queue.DELETE_LOADED, KEEP_LOADED),))
