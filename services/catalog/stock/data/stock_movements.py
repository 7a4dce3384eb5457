"""SQL that reads stock movements; `inventory.py` writes them together with the stock."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class StockMovement(NamedTuple):
    """A change of how many units of a product there are."""

    id: uuid.UUID
    product_id: uuid.UUID
    kind: str
    quantity: int
    available_after: int
    reason: str
    cause: str
    actor_user_id: uuid.UUID | None
    created_at: datetime


_PAGE = """
    SELECT {columns} FROM stock_movements
    WHERE product_id = :product_id %s
    ORDER BY created_at DESC, id DESC LIMIT :limit
"""
_FIRST = sql(_PAGE % "", StockMovement)
_NEXT = sql(_PAGE % "AND (created_at, id) < (:after_at, :after_id)", StockMovement)


def page_of(tx: Tx, product_id: uuid.UUID, *, page: Page) -> list[StockMovement]:
    """Return a product's movements, newest first, one more than the page."""
    parameters: dict[str, object] = {"product_id": product_id, "limit": page.fetch}
    if page.after:
        parameters |= {"after_at": page.after.at, "after_id": page.after.id}
    return tx.execute(_NEXT if page.after else _FIRST, parameters).all()


def cursor_of(movement: StockMovement) -> Cursor:
    """Return the sort key of a movement."""
    return Cursor(movement.created_at, movement.id)
