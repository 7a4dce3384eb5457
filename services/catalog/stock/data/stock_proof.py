"""SQL that compares stock with itself."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class Disagreement(NamedTuple):
    """A product's stock, and what its reservations and movements say of it."""

    product_id: uuid.UUID
    available_qty: int
    reserved_qty: int
    consumed_qty: int
    received_qty: int
    lines_reserved: int
    lines_consumed: int
    movements_received: int


_DISAGREEING = sql(
    """
    SELECT i.product_id, i.available_qty, i.reserved_qty, i.consumed_qty, i.received_qty,
           coalesce(r.reserved, 0) AS lines_reserved, coalesce(r.consumed, 0) AS lines_consumed,
           coalesce(m.received, 0) AS movements_received
    FROM inventory_items i LEFT JOIN (
        SELECT product_id,
               sum(quantity) FILTER (WHERE state = 'reserved') AS reserved,
               sum(quantity) FILTER (WHERE state = 'consumed') AS consumed
        FROM reservations WHERE state IN ('reserved', 'consumed') GROUP BY product_id
    ) r ON r.product_id = i.product_id LEFT JOIN (
        SELECT product_id, CAST(sum(quantity) AS bigint) AS received FROM stock_movements GROUP BY product_id
    ) m ON m.product_id = i.product_id
    WHERE i.reserved_qty <> coalesce(r.reserved, 0) OR i.consumed_qty <> coalesce(r.consumed, 0)
       OR i.received_qty <> coalesce(m.received, 0)
       OR i.available_qty + i.reserved_qty + i.consumed_qty <> i.received_qty
       OR least(i.available_qty, i.reserved_qty, i.consumed_qty, i.received_qty) < 0
    ORDER BY i.product_id LIMIT :limit
    """,
    Disagreement,
)
_UNSTOCKED = sql(
    """
    SELECT r.line_id FROM reservations r
    WHERE r.state IN ('reserved', 'consumed')
      AND NOT EXISTS (SELECT 1 FROM inventory_items i WHERE i.product_id = r.product_id)
    ORDER BY r.line_id LIMIT :limit
    """,
    uuid.UUID,
)


def disagreeing(tx: Tx, *, limit: int) -> list[Disagreement]:
    """Return inventory rows that do not add up or differ from their reservations (`lines_…`) or their movements."""
    return tx.execute(_DISAGREEING, {"limit": limit}).all()


def unstocked(tx: Tx, *, limit: int) -> list[uuid.UUID]:
    """Return lines that hold stock of a product without inventory."""
    return tx.execute(_UNSTOCKED, {"limit": limit}).all()
