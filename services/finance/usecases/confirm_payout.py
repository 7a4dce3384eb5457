"""Pay a vendor for one order (REQUIREMENTS A.6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import NotFound
from services.finance.data import intents, ledger
from services.finance.domain import ledger as entries
from services.finance.domain.intent import IntentAction, IntentStatus, next_status
from services.finance.errors import PayoutNotDue

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def confirm_payout(tx: Tx, *, order_id: uuid.UUID, reference: str) -> Any:
    """Post the payout and mark the intent paid; returns it. Again answers the same. Raises NotFound, PayoutNotDue."""
    intent = intents.lock_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    if intent.status == IntentStatus.PAID:
        return intent
    paid = next_status(IntentStatus(intent.status), IntentAction.PAY_OUT)
    if paid is None or intent.delivered_at is None:
        raise PayoutNotDue(order_status=intent.order_status, payment_status=intent.status)
    payout_cents = intent.amount_cents - intent.fee_cents
    if payout_cents:
        ledger.append(
            tx,
            entries.vendor_payout(
                order_id=order_id,
                vendor_id=intent.vendor_store_id,
                payout_cents=payout_cents,
                currency=intent.currency,
            ),
            buyer_store_id=intent.buyer_store_id,
            vendor_store_id=intent.vendor_store_id,
            reference=reference,
        )
    event = events.OrderPaid(
        order_id=str(order_id),
        payment_intent_id=str(intent.id),
        buyer_store_id=str(intent.buyer_store_id),
        vendor_store_id=str(intent.vendor_store_id),
        amount_cents=intent.amount_cents,
        payout_cents=payout_cents,
        currency=intent.currency,
        order_number=intent.order_number,
    )
    event.vendor_paid_at.FromDatetime(tx.now)
    tx.emit(event)
    tx.audit(target=order_id, before={"status": intent.status}, after={"status": paid, "payout_cents": payout_cents})
    return intents.change(tx, intent.id, status=paid, vendor_paid_at=tx.now)
