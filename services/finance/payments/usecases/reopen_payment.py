"""Put a failed payment back to unpaid once its difference is cleared up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import NotFound
from services.finance.errors import PaymentNotFailed
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, next_status

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def reopen_payment(tx: Tx, *, order_id: uuid.UUID, reason: str) -> Any:
    """Return the intent, unpaid again. Raises NotFound, PaymentNotFailed."""
    intent = intents.lock_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    unpaid = next_status(IntentStatus(intent.status), IntentAction.REOPEN)
    if unpaid is None:
        raise PaymentNotFailed(state=intent.status)
    tx.audit(target=order_id, before={"status": intent.status}, after={"status": unpaid, "reason": reason})
    tx.emit(events.PaymentReopened(order_id=str(order_id), payment_intent_id=str(intent.id)))
    return intents.change(tx, intent.id, status=unpaid, failure_reason="")
