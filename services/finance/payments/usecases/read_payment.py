"""Read payments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.payments.data import intents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent, IntentDetail, VendorTotals


def read_payment(tx: Tx, subject: Subject) -> Intent:
    """Return the intent of a subject. Raises NotFound."""
    intent = intents.find(tx, subject)
    if intent is None:
        raise NotFound
    return intent


def read_payment_detail(tx: Tx, intent: Intent) -> IntentDetail:
    """Return who holds an intent's cash and what blocks its payout. Lock it first if this must stay so until commit."""
    return intents.detail(tx, intent.id)


def read_payment_of_vendor(tx: Tx, subject: Subject, *, vendor_store_id: uuid.UUID) -> Intent:
    """Return the intent of what a vendor is paid for. Raises NotFound for anybody else's."""
    intent = intents.find_of_vendor(tx, subject, vendor_store_id)
    if intent is None:
        raise NotFound
    return intent


def read_payments_of_vendor(tx: Tx, *, vendor_store_id: uuid.UUID, page: Page) -> tuple[Sequence[Intent], str]:
    """Return a vendor's intents, newest first, and the next cursor."""
    return page.cut(intents.page_of_vendor(tx, vendor_store_id, page), intents.created_cursor)


def read_totals_of_vendor(tx: Tx, *, vendor_store_id: uuid.UUID) -> list[VendorTotals]:
    """Return what all orders of a vendor leave for it, by currency."""
    return intents.totals_of_vendor(tx, vendor_store_id)
