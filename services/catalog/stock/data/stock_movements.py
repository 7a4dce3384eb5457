"""SQL that reads stock movements; `inventory.py` writes them together with the stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.cursor import Cursor
from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_PAGE = """
    SELECT id, product_id, kind, quantity, available_after, reason, cause, actor_user_id, created_at
    FROM stock_movements
    WHERE product_id = :product_id {after}
    ORDER BY created_at DESC, id DESC LIMIT :limit
"""
_FIRST = sql(_PAGE.format(after=""))
_NEXT = sql(_PAGE.format(after="AND (created_at, id) < (:after_at, :after_id)"))


def page_of(tx: Tx, product_id: uuid.UUID, *, page: Page) -> Sequence[Any]:
    """Return a product's movements, newest first, one more than the page."""
    parameters: dict[str, Any] = {"product_id": product_id, "limit": page.fetch}
    if page.after:
        parameters |= {"after_at": page.after.at, "after_id": page.after.id}
    rows: Sequence[Any] = tx.execute(_NEXT if page.after else _FIRST, parameters).all()
    return rows


def cursor_of(row: Any) -> Cursor:
    """Return the sort key of a movement."""
    return Cursor(row.created_at, row.id)
