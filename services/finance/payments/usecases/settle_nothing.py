"""An order that was delivered and costs nothing, or nothing any more: settled without cash, closed without a payout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit import audit
from services.finance.cash.usecases.collect_cash import collection_of
from services.finance.ledger.domain import ledger as entries
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, due_cents, next_status
from services.finance.payouts.usecases.pay_vendors import paid_event

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def settle_nothing(tx: Tx, intent: Any) -> Any:
    """Return the locked intent, paid if its order is delivered and nothing is due; any other one as it is."""
    status = IntentStatus(intent.status)
    paid = next_status(status, IntentAction.SETTLE_NOTHING)
    if intent.delivered_at is None or due_cents(intent) or paid is None:
        return intent
    if intent.amount_cents:
        # All of it was credited: that uses the credit up.
        post_entries(
            tx,
            [
                NewEntry(
                    entries.cash_collected(collection_of(intent, agent_id=None)),
                    buyer_store_id=intent.buyer_store_id,
                    vendor_store_id=intent.vendor_store_id,
                )
            ],
        )
    if status is IntentStatus.FAILED:
        # The difference that the order is on hold for is gone.
        tx.emit(events.PaymentReopened(order_id=str(intent.order_id), payment_intent_id=str(intent.id)))
    settled = intents.change(tx, intent.id, status=paid, vendor_paid_at=tx.now, failure_reason="")
    audit.note(tx, action="payment.settle_nothing", target=intent.order_id, after={"status": paid})
    tx.emit(paid_event(tx, settled))
    return settled
