"""List a store's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.commerce.data import orders

if TYPE_CHECKING:
    import uuid

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.commerce.domain.order_filter import OrderFilter


def list_orders(
    tx: Tx, *, store_id: uuid.UUID, is_vendor: bool, page: Page, wanted: OrderFilter
) -> tuple[list[tuple[Any, list[Any]]], str]:
    """Return orders with their lines, newest first, and the next cursor: what a vendor sold, what a buyer bought."""
    found = (orders.page_sold if is_vendor else orders.page_bought)(tx, store_id, page, wanted)
    rows, following = page.cut(found, orders.cursor_of)
    lines = orders.lines_of(tx, [row.id for row in rows]) if rows else {}
    return [(row, lines[row.id]) for row in rows], following
