"""Settle a delivered order that costs nothing, or nothing any more: no cash is taken, and no payout made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit import audit
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, due_cents, next_status
from services.finance.payments.usecases.announce_paid import announce_paid
from services.finance.payments.usecases.settle_payment import post_payment

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def settle_nothing(tx: Tx, intent: Intent) -> Intent:
    """Return the locked intent, paid if its order is delivered and nothing is due; any other one as it is."""
    status = IntentStatus(intent.status)
    paid = next_status(status, IntentAction.SETTLE_NOTHING)
    if intent.delivered_at is None or due_cents(intent) or paid is None:
        return intent
    if intent.amount_cents:
        # All of it was credited; the entry uses the credit up.
        post_payment(tx, intent, agent_id=None)
    if status is IntentStatus.FAILED:
        # Its order is on hold for a difference that no longer matters.
        tx.emit(events.PaymentReopened(order_id=str(intent.subject_id), payment_intent_id=str(intent.id)))
    settled = intents.change(tx, intent.id, status=paid, vendor_paid_at=tx.now, failure_reason="")
    audit.note(tx, action="payment.settle_nothing", target=intent.subject_id, after={"status": paid})
    announce_paid(tx, settled)
    return settled
