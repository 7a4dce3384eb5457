"""List the stores that buy from a vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import customers

if TYPE_CHECKING:
    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.commerce.orders.data.customers import Customer, CustomerTotal


def list_customers(tx: Tx, *, page: Page, name: str) -> tuple[list[tuple[Customer, list[CustomerTotal]]], str]:
    """Return buyers with their last order and their sums by currency, who ordered last first, and the next cursor."""
    vendor = tx.principal.require_store
    found, following = page.cut(customers.page_of(tx, vendor, page, name=name), customers.cursor_of)
    totals = customers.totals_of(tx, vendor, [customer.buyer_store_id for customer in found]) if found else {}
    return [(customer, totals[customer.buyer_store_id]) for customer in found], following
