"""Set a product's available stock and its low-stock threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.catalog.stock.domain.stock import Movement, MovementKind
from services.catalog.stock.usecases.move_stock import lock_own_stock, move_stock

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.inventory import StockChange


def set_inventory(
    tx: Tx, *, product_id: uuid.UUID, available_qty: int | None, low_stock_threshold: int | None, field: str
) -> StockChange:
    """Set what is available and the threshold, never what orders hold; None leaves it. Returns the inventory.

    Raises NotFound for a foreign product, ValidationError on `field` when there would be too much.
    """
    before = lock_own_stock(tx, product_id)
    threshold = before.low_stock_threshold if low_stock_threshold is None else low_stock_threshold
    quantity = 0 if available_qty is None else available_qty - before.available_qty
    movement = Movement(new_id(), product_id, MovementKind.SET, quantity, threshold)
    return move_stock(tx, movement, before=before, field=field)
