"""Set the stock to what a count of the shelf found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.catalog.stock.domain.stock import Movement, MovementKind
from services.catalog.stock.usecases.move_stock import lock_own_stock, move_stock

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.inventory import StockChange


def count_stock(tx: Tx, *, product_id: uuid.UUID, counted_qty: int, reason: str) -> StockChange:
    """Make what is available fit the units found, of which orders hold some; returns the inventory with the movement.

    Raises NotFound, ValidationError, StockHeld when there are fewer than orders hold.
    """
    before = lock_own_stock(tx, product_id)
    difference = counted_qty - before.available_qty - before.reserved_qty
    movement = Movement(new_id(), product_id, MovementKind.COUNTED, difference, before.low_stock_threshold, reason)
    return move_stock(tx, movement, before=before, field="counted_qty")
