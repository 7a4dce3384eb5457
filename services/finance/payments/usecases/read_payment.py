"""Read the payments of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.payments.data import intents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent, VendorTotals


def read_payment(tx: Tx, *, order_id: uuid.UUID) -> Intent:
    """Return the intent of an order. Raises NotFound."""
    intent = intents.find_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    return intent


def read_payment_of_vendor(tx: Tx, *, order_id: uuid.UUID, vendor_store_id: uuid.UUID) -> Intent:
    """Return the intent of a vendor's order. Raises NotFound for anybody else's."""
    intent = intents.find_of_vendor(tx, order_id, vendor_store_id)
    if intent is None:
        raise NotFound
    return intent


def read_payments_of_vendor(tx: Tx, *, vendor_store_id: uuid.UUID, page: Page) -> tuple[Sequence[Intent], str]:
    """Return a vendor's intents, newest first, and the next cursor."""
    return page.cut(intents.page_of_vendor(tx, vendor_store_id, page), intents.created_cursor)


def read_totals_of_vendor(tx: Tx, *, vendor_store_id: uuid.UUID) -> list[VendorTotals]:
    """Return what all orders of a vendor leave for it, by currency."""
    return intents.totals_of_vendor(tx, vendor_store_id)


def read_due_payments(tx: Tx, *, page: Page, counted_only: bool) -> tuple[Sequence[Intent], str]:
    """Return intents whose vendor can be paid, oldest delivery first, and the next cursor."""
    return page.cut(intents.page_of_due(tx, page, counted_only=counted_only), intents.delivered_cursor)
