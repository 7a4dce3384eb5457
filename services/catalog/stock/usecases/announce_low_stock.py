"""Announce that little of a product is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.catalog.events.v1 import catalog_events_pb2 as events
from services.catalog.stock.data import stocked_products
from services.catalog.stock.domain.stock import Level, fell_low

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping

    from meshkit.db.tx import Tx
    from services.catalog.stock.domain.reservations import Line, Stock


def announce_low_stock(tx: Tx, changes: Mapping[uuid.UUID, tuple[Level, Level]]) -> None:
    """Announce the products whose level, before and after this transaction's change, fell to its threshold.

    Costs a statement only when one did.
    """
    low = {product_id: after for product_id, (before, after) in changes.items() if fell_low(before, after)}
    for row in stocked_products.named(tx, list(low)) if low else ():
        event = events.ProductLowStock(
            product_id=str(row.id),
            vendor_store_id=str(row.store_id),
            sku=row.sku,
            title=row.title,
            available_qty=low[row.id].available_qty,
            low_stock_threshold=low[row.id].low_stock_threshold,
        )
        event.crossed_at.FromDatetime(tx.now)
        tx.emit(event)


def announce_if_low(tx: Tx, lines: Iterable[Line], *, stock: Mapping[uuid.UUID, Stock]) -> None:
    """As `announce_low_stock`, for lines that took what they want from `stock`."""
    taken: dict[uuid.UUID, int] = {}
    for line in lines:
        taken[line.product_id] = taken.get(line.product_id, 0) + line.quantity
    changes = {}
    for product_id, quantity in taken.items():
        available, threshold = stock[product_id].available_qty, stock[product_id].low_stock_threshold
        changes[product_id] = Level(available, threshold), Level(available - quantity, threshold)
    announce_low_stock(tx, changes)
