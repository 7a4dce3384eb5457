"""SQL about stock. Who moves stock locks inventory rows first, sorted by product, and reservations after that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from meshkit.db.sql import sql
from services.catalog.data.tables import inventory_items, products
from services.catalog.domain.reservations import Stock

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from meshkit.db.tx import Tx

_STOCK = """
    SELECT i.product_id, i.available_qty, p.is_active
    FROM inventory_items i JOIN products p ON p.id = i.product_id
    WHERE i.product_id = ANY(CAST(:product_ids AS uuid[]))
    ORDER BY i.product_id
    FOR UPDATE OF i
"""
_LOCK = sql(_STOCK)
_LOCK_FREE = sql(_STOCK + " SKIP LOCKED")

# A consumer's batch is one transaction of many events. While it holds stock of one it must not wait for that of
# another, or it and a Reserve could wait for each other. Under this name the transaction notes that it holds stock.
HOLDS_STOCK = "catalog.holds_stock"


class StockBusy(Exception):
    """The stock is held by others and this transaction, which holds some itself, may not wait for it."""


def add(tx: Tx, product_id: uuid.UUID, *, available_qty: int, low_stock_threshold: int) -> None:
    """Insert the stock of a new product: all of it is available."""
    tx.execute(
        insert(inventory_items).values(
            product_id=product_id,
            available_qty=available_qty,
            reserved_qty=0,
            consumed_qty=0,
            received_qty=available_qty,
            low_stock_threshold=low_stock_threshold,
            updated_at=tx.now,
        )
    )


def lock(tx: Tx, product_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Stock]:
    """Return those of the products that exist and keep their stock from changing until commit. Raises StockBusy."""
    wanted = list(set(product_ids))
    if HOLDS_STOCK in tx.notes:
        stock = lock_free(tx, wanted)
        if len(stock) < len(wanted):
            raise StockBusy
        return stock
    return _locked(tx, _LOCK, wanted)


def lock_free(tx: Tx, product_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Stock]:
    """As `lock`, but leave out the stock that others hold instead of waiting."""
    return _locked(tx, _LOCK_FREE, list(set(product_ids)))


def lock_of_store(tx: Tx, product_id: uuid.UUID, *, store_id: uuid.UUID) -> Any | None:
    """Return the inventory of a store's own product and keep it from changing until commit, or None."""
    statement = (
        select(inventory_items)
        .join(products, products.c.id == inventory_items.c.product_id)
        .where(products.c.id == product_id, products.c.store_id == store_id)
        .with_for_update(of=inventory_items)
    )
    return tx.execute(statement).one_or_none()


def set_available(tx: Tx, product_id: uuid.UUID, *, available_qty: int, low_stock_threshold: int) -> Any:
    """Set what is available; what was received follows by the difference. Returns the row."""
    statement = (
        update(inventory_items)
        .where(inventory_items.c.product_id == product_id)
        .values(
            available_qty=available_qty,
            received_qty=available_qty + inventory_items.c.reserved_qty + inventory_items.c.consumed_qty,
            low_stock_threshold=low_stock_threshold,
            updated_at=tx.now,
        )
        .returning(inventory_items)
    )
    return tx.execute(statement).one()


def _locked(tx: Tx, statement: Any, product_ids: list[uuid.UUID]) -> dict[uuid.UUID, Stock]:
    rows = tx.execute(statement, {"product_ids": product_ids}).all()
    if rows:
        tx.notes.add(HOLDS_STOCK)
    return {row.product_id: Stock(row.available_qty, row.is_active) for row in rows}
