"""List the stores that buy from a vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.commerce.orders.data import customers

if TYPE_CHECKING:
    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


def list_customers(tx: Tx, *, page: Page, name: str) -> tuple[list[tuple[Any, list[Any]]], str]:
    """Return buyers with their last order and their sums by currency, who ordered last first, and the next cursor."""
    vendor = tx.principal.require_store
    rows, following = page.cut(customers.page_of(tx, vendor, page, name=name), customers.cursor_of)
    totals = customers.totals_of(tx, vendor, [row.buyer_store_id for row in rows]) if rows else {}
    return [(row, totals[row.buyer_store_id]) for row in rows], following
