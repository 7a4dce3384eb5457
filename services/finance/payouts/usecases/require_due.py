"""Whether an intent can be put into a payout, or paid in the one that it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.errors import CashMismatchOpen, PayoutHeld, PayoutNotDue
from services.finance.payments.domain.intent import IntentAction, IntentStatus, next_status

if TYPE_CHECKING:
    import uuid

    from services.finance.payments.domain.intent import Intent, IntentDetail


def require_due(intent: Intent, *, detail: IntentDetail) -> None:
    """Raise PayoutNotDue, PayoutHeld or CashMismatchOpen unless the intent can be put into a payout."""
    paid = next_status(IntentStatus(intent.status), IntentAction.PAY_OUT)
    if paid is None or intent.delivered_at is None:
        raise PayoutNotDue(order_status=intent.subject_status, payment_status=intent.status)
    if detail.payout_hold_reason:
        raise PayoutHeld(hold_reason=detail.payout_hold_reason)
    require_no_mismatch(intent, mismatch_id=detail.cash_mismatch_id)


def require_no_mismatch(intent: Intent, *, mismatch_id: uuid.UUID | None) -> None:
    """Raise CashMismatchOpen while the intent's cash is not what it should be."""
    if mismatch_id is not None:
        raise CashMismatchOpen(order_id=str(intent.subject_id), mismatch_id=str(mismatch_id))
