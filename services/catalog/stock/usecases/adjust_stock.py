"""Correct the stock for a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.catalog.stock.domain.stock import Movement, MovementKind
from services.catalog.stock.usecases.move_stock import lock_own_stock, move_stock

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.inventory import StockChange


def adjust_stock(tx: Tx, *, product_id: uuid.UUID, quantity: int, reason: str) -> StockChange:
    """Add units or take them out; returns the inventory with the movement.

    Raises NotFound, ValidationError, StockHeld when orders hold what is to be taken out.
    """
    before = lock_own_stock(tx, product_id)
    movement = Movement(
        new_id(), product_id, MovementKind.ADJUSTED, quantity, before.low_stock_threshold, reason.strip()
    )
    return move_stock(tx, movement, before=before, field="quantity")
