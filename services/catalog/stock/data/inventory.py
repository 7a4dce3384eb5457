"""SQL about stock. Who moves stock locks inventory rows first, sorted by product, and reservations after that."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql
from services.catalog.stock.domain.reservations import Stock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from meshkit.db.sql import Sql
    from meshkit.db.tx import Tx
    from services.catalog.stock.domain.stock import Cause, Movement


class Inventory(NamedTuple):
    """How many units of a product there are, and where."""

    product_id: uuid.UUID
    available_qty: int
    reserved_qty: int
    consumed_qty: int
    received_qty: int
    low_stock_threshold: int


class StockChange(NamedTuple):
    """A movement with the inventory that it left."""

    product_id: uuid.UUID
    available_qty: int
    reserved_qty: int
    consumed_qty: int
    received_qty: int
    low_stock_threshold: int
    id: uuid.UUID
    kind: str
    quantity: int
    reason: str
    available_after: int
    cause: str
    actor_user_id: uuid.UUID | None
    created_at: datetime


class _LockedStock(NamedTuple):
    product_id: uuid.UUID
    available_qty: int
    low_stock_threshold: int
    is_active: bool


_STOCK = """
    SELECT i.product_id, i.available_qty, i.low_stock_threshold, p.is_active
    FROM inventory_items i JOIN products p ON p.id = i.product_id
    WHERE i.product_id = ANY(CAST(:product_ids AS uuid[]))
    ORDER BY i.product_id
    FOR UPDATE OF i
"""
_LOCK = sql(_STOCK, _LockedStock)
_LOCK_FREE = sql(_STOCK + " SKIP LOCKED", _LockedStock)
_LOCK_MANY = sql(
    "SELECT {columns} FROM inventory_items"
    " WHERE product_id = ANY(CAST(:product_ids AS uuid[])) ORDER BY product_id FOR UPDATE",
    Inventory,
)
_LOCK_OF_STORE = sql(
    """
    SELECT {i.columns} FROM inventory_items i JOIN products p ON p.id = i.product_id
    WHERE p.id = :product_id AND p.store_id = :store_id AND p.deleted_at IS NULL
    FOR UPDATE OF i
    """,
    Inventory,
)
# Stock and movements, or neither: what was received is always the sum of a product's movements.
_CHANGE = """
    WITH wanted AS (
        SELECT movement_id, product_id, kind, quantity, low_stock_threshold, reason
        FROM unnest(CAST(:movement_ids AS uuid[]), CAST(:product_ids AS uuid[]), CAST(:kinds AS text[]),
                    CAST(:quantities AS bigint[]), CAST(:thresholds AS integer[]), CAST(:reasons AS text[]))
             AS w (movement_id, product_id, kind, quantity, low_stock_threshold, reason)
    ), changed AS (
        {change}
    ), written AS (
        INSERT INTO stock_movements (id, product_id, kind, quantity, available_after, reason, cause, actor,
                                     actor_user_id, request_id, created_at)
        SELECT w.movement_id, w.product_id, w.kind, w.quantity, c.available_qty, w.reason, :cause, :actor,
               CAST(:actor_user_id AS uuid), :request_id, :now
        FROM wanted w JOIN changed c ON c.product_id = w.product_id
        WHERE w.quantity <> 0 OR w.kind = 'counted'
    )
    SELECT c.product_id, c.available_qty, c.reserved_qty, c.consumed_qty, c.received_qty, c.low_stock_threshold,
           w.movement_id AS id, w.kind, w.quantity, w.reason, c.available_qty AS available_after,
           CAST(:cause AS text) AS cause, CAST(:actor_user_id AS uuid) AS actor_user_id,
           CAST(:now AS timestamptz) AS created_at
    FROM changed c JOIN wanted w ON w.product_id = c.product_id ORDER BY c.product_id
"""
_COLUMNS = "product_id, available_qty, reserved_qty, consumed_qty, received_qty, low_stock_threshold"
_ADD = sql(
    _CHANGE.format(
        change=f"""
        INSERT INTO inventory_items ({_COLUMNS}, updated_at)
        SELECT product_id, quantity, 0, 0, quantity, low_stock_threshold, :now FROM wanted
        RETURNING {_COLUMNS}
        """  # noqa: S608
    ),
    StockChange,
)
_MOVE = sql(
    _CHANGE.format(
        change="""
        UPDATE inventory_items i
        SET available_qty = i.available_qty + w.quantity, received_qty = i.received_qty + w.quantity,
            low_stock_threshold = w.low_stock_threshold, updated_at = :now
        FROM wanted w WHERE i.product_id = w.product_id
        RETURNING i.product_id, i.available_qty, i.reserved_qty, i.consumed_qty, i.received_qty, i.low_stock_threshold
        """
    ),
    StockChange,
)

# A consumer's batch is one transaction of many events. While it holds stock of one it must not wait for that of
# another, or it and a Reserve could wait for each other. Under this name the transaction notes that it holds stock.
HOLDS_STOCK = "catalog.holds_stock"


class StockBusy(Exception):
    """The stock is held by others and this transaction, which holds some itself, may not wait for it."""


def add(tx: Tx, movements: Sequence[Movement], *, cause: Cause) -> None:
    """Insert the stock of new products: what they start with came in and is available."""
    tx.execute(_ADD, _parameters(tx, movements, cause))


def move(tx: Tx, movements: Sequence[Movement], *, cause: Cause) -> list[StockChange]:
    """Change what is available, write down why, and keep thresholds; the inventory must be locked.

    One movement per product at most. Returns inventory with movement by product: one that moves nothing is written
    only when it is a count.
    """
    return tx.execute(_MOVE, _parameters(tx, movements, cause)).all()


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


def lock_many(tx: Tx, product_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Inventory]:
    """Return the inventory of products and keep it from changing until commit; the caller knows that they are its store's."""
    return {row.product_id: row for row in tx.execute(_LOCK_MANY, {"product_ids": list(product_ids)})}


def lock_of_store(tx: Tx, product_id: uuid.UUID, *, store_id: uuid.UUID) -> Inventory | None:
    """Return the inventory of a store's own product and keep it from changing until commit, or None."""
    return tx.execute(_LOCK_OF_STORE, {"product_id": product_id, "store_id": store_id}).one_or_none()


def _parameters(tx: Tx, movements: Sequence[Movement], cause: Cause) -> dict[str, object]:
    return {
        "movement_ids": [movement.id for movement in movements],
        "product_ids": [movement.product_id for movement in movements],
        "kinds": [movement.kind.value for movement in movements],
        "quantities": [movement.quantity for movement in movements],
        "thresholds": [movement.low_stock_threshold for movement in movements],
        "reasons": [movement.reason for movement in movements],
        "cause": cause.value,
        "actor": tx.principal.subject,
        "actor_user_id": tx.principal.user_id,
        "request_id": tx.call.request_id,
        "now": tx.now,
    }


def _locked(tx: Tx, statement: Sql[_LockedStock], product_ids: list[uuid.UUID]) -> dict[uuid.UUID, Stock]:
    rows = tx.execute(statement, {"product_ids": product_ids}).all()
    if rows:
        tx.notes.add(HOLDS_STOCK)
    return {row.product_id: Stock(row.available_qty, row.is_active, row.low_stock_threshold) for row in rows}
