"""List a store's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.commerce.data import orders

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


def list_orders(
    tx: Tx, *, store_id: uuid.UUID, is_vendor: bool, page: Page, statuses: Sequence[str], actionable: bool
) -> tuple[list[tuple[Any, list[Any]]], str]:
    """Return orders with their lines, newest first, and the next cursor: what a vendor sold, what a buyer bought."""
    if is_vendor:
        found = orders.page_sold(tx, store_id, page, statuses=statuses, actionable=actionable)
    else:
        found = orders.page_bought(tx, store_id, page, statuses=statuses)
    rows, following = page.cut(found, orders.cursor_of)
    lines = orders.lines_of(tx, [row.id for row in rows]) if rows else {}
    return [(row, lines[row.id]) for row in rows], following
