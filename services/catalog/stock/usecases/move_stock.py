"""Change how many units of a product there are: what receiving, adjusting, counting and setting have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound, ValidationError
from services.catalog.errors import StockHeld
from services.catalog.stock.data import inventory
from services.catalog.stock.domain.stock import MAX_UNITS, Cause, Level
from services.catalog.stock.usecases.announce_low_stock import announce_low_stock

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.inventory import Inventory, StockChange
    from services.catalog.stock.domain.stock import Movement


def lock_own_stock(tx: Tx, product_id: uuid.UUID) -> Inventory:
    """Return the inventory of a product of the caller's store, locked. Raises NotFound for a foreign one."""
    stock = inventory.lock_of_store(tx, product_id, store_id=tx.principal.require_store)
    if stock is None:
        raise NotFound
    return stock


def move_stock(tx: Tx, movement: Movement, *, before: Inventory, field: str) -> StockChange:
    """Apply one movement to locked stock and audit it; returns the inventory with the movement.

    Raises StockHeld when it takes more than is available, ValidationError on `field` when there would be too much.
    """
    if before.available_qty + movement.quantity < 0:
        raise StockHeld(available=str(before.available_qty), reserved=str(before.reserved_qty))
    if movement.quantity > 0 and before.available_qty + before.reserved_qty + movement.quantity > MAX_UNITS:
        raise ValidationError.of(field, f"there would be more than {MAX_UNITS} units on the shelf")
    (after,) = inventory.move(tx, [movement], cause=Cause.VENDOR)
    announce_low_stock(tx, {movement.product_id: (_level(before), _level(after))})
    tx.audit(target=movement.product_id, before=_facts(before), after=_facts(after))
    return after


def _level(stock: Inventory | StockChange) -> Level:
    return Level(stock.available_qty, stock.low_stock_threshold)


def _facts(stock: Inventory | StockChange) -> dict[str, int]:
    return {
        "available_qty": stock.available_qty,
        "reserved_qty": stock.reserved_qty,
        "received_qty": stock.received_qty,
        "low_stock_threshold": stock.low_stock_threshold,
    }
