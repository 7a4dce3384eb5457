"""Keep an order out of payouts, and let it in again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import NotFound
from services.finance.errors import PayoutNotDue, PayoutStateInvalid
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentStatus

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

_OVER = {IntentStatus.PAID, IntentStatus.REJECTED}


def hold_payout(tx: Tx, *, order_id: uuid.UUID, reason: str) -> Any:
    """Return the intent, kept out of payouts. Raises NotFound, PayoutNotDue, PayoutStateInvalid."""
    intent = intents.lock_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    if intent.status in _OVER:
        raise PayoutNotDue(order_status=intent.order_status, payment_status=intent.status)
    if intent.payout_id is not None:
        raise PayoutStateInvalid(state="awaiting_approval")
    tx.audit(target=order_id, before={"hold_reason": intent.payout_hold_reason}, after={"hold_reason": reason})
    if not intent.payout_hold_reason:
        held = events.PayoutHeld(**_named(intent))
        held.held_at.FromDatetime(tx.now)
        tx.emit(held)
    return intents.change(tx, intent.id, payout_hold_reason=reason)


def release_payout(tx: Tx, *, order_id: uuid.UUID, reason: str) -> Any:
    """Return the intent, let into payouts again. Raises NotFound, PayoutStateInvalid when nothing holds it."""
    intent = intents.lock_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    if not intent.payout_hold_reason:
        raise PayoutStateInvalid(state="not_held")
    before = {"hold_reason": intent.payout_hold_reason}
    tx.audit(target=order_id, before=before, after={"hold_reason": "", "reason": reason})
    released = events.PayoutReleased(**_named(intent))
    released.released_at.FromDatetime(tx.now)
    tx.emit(released)
    return intents.change(tx, intent.id, payout_hold_reason="")


def _named(intent: Any) -> dict[str, Any]:
    # Why is between administrators.
    return {
        "order_id": str(intent.order_id),
        "payment_intent_id": str(intent.id),
        "vendor_store_id": str(intent.vendor_store_id),
        "order_number": intent.order_number,
    }
