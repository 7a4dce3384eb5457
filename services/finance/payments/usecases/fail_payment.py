"""Mark a payment as failed, and announce it: its order goes on hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, due_cents, next_status

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def fail_payment(tx: Tx, intent: Intent, *, received_cents: int, reason: str) -> None:
    """Fail a locked intent because the money received is not what is due; `reason` names the currency that was received."""
    failed = next_status(IntentStatus(intent.status), IntentAction.FAIL)
    assert failed is not None, "only money for an order that can still be paid is refused"
    intents.change(tx, intent.id, status=failed, failure_reason=reason)
    tx.audit(target=intent.subject_id, before={"status": intent.status}, after={"status": failed, "reason": reason})
    event = events.PaymentFailed(
        order_id=str(intent.subject_id),
        payment_intent_id=str(intent.id),
        buyer_store_id=str(intent.buyer_store_id),
        vendor_store_id=str(intent.vendor_store_id),
        reason=reason,
        expected_cents=due_cents(intent),
        received_cents=received_cents,
        currency=intent.currency,
        order_number=intent.subject_number,
    )
    event.failed_at.FromDatetime(tx.now)
    tx.emit(event)
