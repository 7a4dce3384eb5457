"""A vendor says that the money for an order has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.errors import PayoutNotDue
from services.finance.payments.usecases.read_payment import read_payment_of_vendor

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent


def acknowledge_payout(tx: Tx, subject: Subject, *, note: str) -> Intent:
    """Note that the calling vendor says its money has come; returns the intent, unchanged (PF-297).

    Raises NotFound for another vendor's order, PayoutNotDue before the payout.
    """
    intent = read_payment_of_vendor(tx, subject, vendor_store_id=tx.principal.require_store)
    if intent.vendor_paid_at is None:
        raise PayoutNotDue(order_status=intent.subject_status, payment_status=intent.status)
    tx.audit(target=subject.id, after={"note": note, "payment_status": intent.status})
    return intent
