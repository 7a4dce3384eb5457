"""Set a failed payment back to unpaid once its difference is cleared up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from services.finance.errors import PaymentNotFailed
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, next_status
from services.finance.payments.usecases.lock_payment import lock_payment

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent


def reopen_payment(tx: Tx, subject: Subject, *, reason: str) -> Intent:
    """Return the intent, unpaid again. Raises NotFound, PaymentNotFailed."""
    intent = lock_payment(tx, subject)
    unpaid = next_status(IntentStatus(intent.status), IntentAction.REOPEN)
    if unpaid is None:
        raise PaymentNotFailed(state=intent.status)
    tx.audit(target=subject.id, before={"status": intent.status}, after={"status": unpaid, "reason": reason})
    tx.emit(events.PaymentReopened(order_id=str(subject.id), payment_intent_id=str(intent.id)))
    return intents.change(tx, intent.id, status=unpaid, failure_reason="")
