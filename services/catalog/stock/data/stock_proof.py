"""SQL that compares stock with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

_DISAGREEING = sql(
    """
    SELECT i.*, coalesce(r.reserved, 0) AS lines_reserved, coalesce(r.consumed, 0) AS lines_consumed,
           coalesce(m.received, 0) AS movements_received
    FROM inventory_items i LEFT JOIN (
        SELECT product_id,
               sum(quantity) FILTER (WHERE state = 'reserved') AS reserved,
               sum(quantity) FILTER (WHERE state = 'consumed') AS consumed
        FROM reservations WHERE state IN ('reserved', 'consumed') GROUP BY product_id
    ) r ON r.product_id = i.product_id LEFT JOIN (
        SELECT product_id, sum(quantity) AS received FROM stock_movements GROUP BY product_id
    ) m ON m.product_id = i.product_id
    WHERE i.reserved_qty <> coalesce(r.reserved, 0) OR i.consumed_qty <> coalesce(r.consumed, 0)
       OR i.received_qty <> coalesce(m.received, 0)
       OR i.available_qty + i.reserved_qty + i.consumed_qty <> i.received_qty
       OR least(i.available_qty, i.reserved_qty, i.consumed_qty, i.received_qty) < 0
    ORDER BY i.product_id LIMIT :limit
    """
)
_UNSTOCKED = sql(
    """
    SELECT r.line_id FROM reservations r
    WHERE r.state IN ('reserved', 'consumed')
      AND NOT EXISTS (SELECT 1 FROM inventory_items i WHERE i.product_id = r.product_id)
    ORDER BY r.line_id LIMIT :limit
    """
)


def disagreeing(tx: Tx, *, limit: int) -> Sequence[Any]:
    """Return inventory rows that do not add up or differ from their reservations (`lines_…`) or their movements."""
    rows: Sequence[Any] = tx.execute(_DISAGREEING, {"limit": limit}).all()
    return rows


def unstocked(tx: Tx, *, limit: int) -> Sequence[Any]:
    """Return lines that hold stock of a product without inventory."""
    rows: Sequence[Any] = tx.execute(_UNSTOCKED, {"limit": limit}).all()
    return rows
