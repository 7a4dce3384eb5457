"""Move queued rows into the warehouse: read, load outside any transaction, mark.

A crash between loading and marking loads the same event ids again, which the warehouse refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.call import Call
from meshkit.obs.logging import get_logger
from services.analytics.warehouse.data import warehouse_queue

if TYPE_CHECKING:
    from meshkit.db.tx import Transactions
    from services.analytics.outbound.ports import Warehouse

BATCH = 1000


def load_rows(transactions: Transactions, *, warehouse: Warehouse) -> int:
    """Load one batch; returns how many rows. Raises DependencyUnavailable."""
    with transactions.read(Call()) as tx:
        rows = warehouse_queue.waiting(tx, limit=BATCH)
    if not rows:
        return 0
    warehouse.load([row.row for row in rows])
    with transactions.write(Call()) as tx:
        warehouse_queue.mark_loaded(tx, [row.seq for row in rows])
    get_logger().info("warehouse.loaded", rows=len(rows))
    return len(rows)
