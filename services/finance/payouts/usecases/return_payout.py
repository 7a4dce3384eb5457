"""The bank sends a payout back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from services.finance.ledger.domain.ledger import payout_returned
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.domain.intent import net_cents
from services.finance.payments.usecases.lock_payment import lock_payments
from services.finance.payments.usecases.mark_payout_returned import mark_payout_returned
from services.finance.payouts.data import payouts
from services.finance.payouts.domain.payout import PayoutAction
from services.finance.payouts.usecases.announce_decision import announce_decision
from services.finance.payouts.usecases.lock_payout import lock_payout

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent
    from services.finance.payouts.data.payouts import Payout


def return_payout(tx: Tx, *, payout_id: uuid.UUID, reason: str) -> Payout:
    """Reverse every entry of a payout; its orders are due again. Returns it. Raises NotFound, PayoutStateInvalid."""
    payout, status = lock_payout(tx, payout_id=payout_id, action=PayoutAction.TAKE_BACK)
    payouts.decide(tx, payout_id, decision="return", reason=reason)
    orders = lock_payments(tx, intent_ids=[item.intent_id for item in payouts.items_of(tx, payout_id)])
    made = [
        NewEntry(
            payout_returned(entry_id=entry.id, subject=entry.subject, postings=entry.postings, payout_id=payout_id),
            buyer_store_id=entry.buyer_store_id,
            vendor_store_id=entry.vendor_store_id,
            reference=reason,
        )
        for entry in payouts.entries_of(tx, payout_id)
    ]
    post_entries(tx, made)
    returned = mark_payout_returned(tx, intent_ids=[intent.id for intent in orders])
    payouts.end(tx, payout_id, status=status)
    for intent in returned:
        tx.emit(_returned_event(intent, payout_id=payout_id, reason=reason))
    return announce_decision(tx, payout, status=status, decision="return", reason=reason)


def _returned_event(intent: Intent, *, payout_id: uuid.UUID, reason: str) -> events.PayoutReturned:
    event = events.PayoutReturned(
        order_id=str(intent.subject_id),
        payment_intent_id=str(intent.id),
        vendor_store_id=str(intent.vendor_store_id),
        payout_id=str(payout_id),
        reason=reason,
        payout_cents=net_cents(intent),
        currency=intent.currency,
        order_number=intent.subject_number,
    )
    assert intent.payout_returned_at is not None, "it is marked as returned"
    event.returned_at.FromDatetime(intent.payout_returned_at)
    return event
