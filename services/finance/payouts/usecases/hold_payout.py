"""Hold a payment back from payouts, and release it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from services.finance.errors import PayoutNotDue, PayoutStateInvalid
from services.finance.payments.domain.intent import IntentStatus
from services.finance.payments.usecases.lock_payment import lock_payment
from services.finance.payments.usecases.read_payment import read_payment_detail
from services.finance.payouts.data import holds
from services.finance.payouts.domain.payout import PayoutHoldState

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent

_OVER = {IntentStatus.PAID, IntentStatus.REJECTED}


class _About(TypedDict):
    order_id: str
    payment_intent_id: str
    vendor_store_id: str
    order_number: int


def hold_payout(tx: Tx, subject: Subject, *, reason: str) -> Intent:
    """Hold the intent back from payouts; returns it. Raises NotFound, PayoutNotDue, PayoutStateInvalid."""
    intent = lock_payment(tx, subject)
    if intent.status in _OVER:
        raise PayoutNotDue(order_status=intent.subject_status, payment_status=intent.status)
    if intent.payout_id is not None:
        raise PayoutStateInvalid(state="awaiting_approval")
    before = read_payment_detail(tx, intent).payout_hold_reason
    tx.audit(target=subject.id, before={"hold_reason": before}, after={"hold_reason": reason})
    if not before:
        held = events.PayoutHeld(**_about(intent))
        held.held_at.FromDatetime(tx.now)
        tx.emit(held)
    holds.upsert(tx, intent.id, reason=reason)
    return intent


def release_payout(tx: Tx, subject: Subject, *, reason: str) -> Intent:
    """Let the intent into payouts again; returns it. Raises NotFound, PayoutStateInvalid when nothing holds it."""
    intent = lock_payment(tx, subject)
    before = read_payment_detail(tx, intent).payout_hold_reason
    if not before:
        raise PayoutStateInvalid(state=PayoutHoldState.NOT_HELD)
    tx.audit(target=subject.id, before={"hold_reason": before}, after={"hold_reason": "", "reason": reason})
    released = events.PayoutReleased(**_about(intent))
    released.released_at.FromDatetime(tx.now)
    tx.emit(released)
    holds.delete(tx, intent.id)
    return intent


def _about(intent: Intent) -> _About:
    # Without the reason: vendors are notified of these events, and it is for administrators only.
    return {
        "order_id": str(intent.subject_id),
        "payment_intent_id": str(intent.id),
        "vendor_store_id": str(intent.vendor_store_id),
        "order_number": intent.subject_number,
    }
