"""Announce that the vendor of an order has its money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from services.finance.payments.domain.intent import net_cents

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def announce_paid(tx: Tx, intent: Intent) -> None:
    """Emit OrderPaid of an intent, with what its vendor got."""
    event = events.OrderPaid(
        order_id=str(intent.subject_id),
        payment_intent_id=str(intent.id),
        buyer_store_id=str(intent.buyer_store_id),
        vendor_store_id=str(intent.vendor_store_id),
        amount_cents=intent.amount_cents,
        payout_cents=net_cents(intent),
        currency=intent.currency,
        order_number=intent.subject_number,
    )
    assert intent.vendor_paid_at is not None, "it is marked as paid"
    event.vendor_paid_at.FromDatetime(intent.vendor_paid_at)
    tx.emit(event)
