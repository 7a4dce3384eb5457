"""What happens to a payout after it was made: approved, rejected, returned by the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import NotFound
from services.finance.cash.usecases.read_custody import read_open_custody_mismatches
from services.finance.errors import ApproverMustDiffer, PayoutStateInvalid
from services.finance.ledger.domain.ledger import Account, AccountKind, payout_returned
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.domain.intent import net_cents
from services.finance.payments.usecases.lock_payment import lock_payments
from services.finance.payments.usecases.mark_payments import mark_in_payouts, mark_payout_returned
from services.finance.payouts.data import payouts
from services.finance.payouts.domain.payout import PayoutAction, PayoutStatus, Share, next_status
from services.finance.payouts.usecases.net_debts import net_debts
from services.finance.payouts.usecases.require_due import require_no_mismatch
from services.finance.payouts.usecases.transfer_payouts import transfer_payouts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent
    from services.finance.payouts.data.payouts import Payout


def approve_payout(tx: Tx, *, payout_id: uuid.UUID, reference: str) -> Payout:
    """Transfer a payout that waits; returns it.

    Raises NotFound, PayoutStateInvalid, ApproverMustDiffer, and CashMismatchOpen for an order whose cash was found wrong
    since: the payout waits for it, or is rejected.
    """
    payout, status = _lock_for(tx, payout_id, PayoutAction.APPROVE)
    if payout.requested_by_user_id == tx.principal.require_user:
        raise ApproverMustDiffer
    orders = lock_payments(tx, intent_ids=[item.intent_id for item in payouts.items_of(tx, payout_id)])
    mismatches = read_open_custody_mismatches(tx, intent_ids=[intent.id for intent in orders])
    for intent in orders:
        require_no_mismatch(intent, mismatches.get(intent.id))
    payouts.decide(tx, payout_id, decision="approve", reason=reference)
    debt = Account(AccountKind.VENDOR_RECEIVABLE, payout.currency, payout.vendor_store_id)
    kept = net_debts(tx, {debt: payout.gross_cents})[debt]
    reference = reference or payout.reference
    transfer_payouts(tx, [Share(payout_id, orders, payout.gross_cents, kept)], reference=reference)
    payouts.mark_paid(tx, payout_id, netted_cents=kept, reference=reference)
    return _announce(tx, payout, status, decision="approve", reason=reference)


def reject_payout(tx: Tx, *, payout_id: uuid.UUID, reason: str) -> Payout:
    """Give the orders of a waiting payout back to the queue; returns it. Raises NotFound, PayoutStateInvalid."""
    payout, status = _lock_for(tx, payout_id, PayoutAction.REFUSE)
    payouts.decide(tx, payout_id, decision="reject", reason=reason)
    orders = lock_payments(tx, intent_ids=[item.intent_id for item in payouts.items_of(tx, payout_id)])
    mark_in_payouts(tx, payouts=dict.fromkeys(intent.id for intent in orders))
    payouts.end(tx, payout_id, status=status)
    return _announce(tx, payout, status, decision="reject", reason=reason)


def return_payout(tx: Tx, *, payout_id: uuid.UUID, reason: str) -> Payout:
    """Reverse every entry of a payout; its orders are due again. Returns it. Raises NotFound, PayoutStateInvalid."""
    payout, status = _lock_for(tx, payout_id, PayoutAction.TAKE_BACK)
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
    mark_payout_returned(tx, intent_ids=[intent.id for intent in orders])
    payouts.end(tx, payout_id, status=status)
    for intent in orders:
        tx.emit(_returned_event(tx, intent, payout_id=payout_id, reason=reason))
    return _announce(tx, payout, status, decision="return", reason=reason)


def _returned_event(tx: Tx, intent: Intent, *, payout_id: uuid.UUID, reason: str) -> events.PayoutReturned:
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
    event.returned_at.FromDatetime(tx.now)
    return event


def _lock_for(tx: Tx, payout_id: uuid.UUID, action: PayoutAction) -> tuple[Payout, PayoutStatus]:
    """Return the locked payout, and the status that an action leads to."""
    payout = payouts.lock(tx, payout_id)
    if payout is None:
        raise NotFound
    status = next_status(PayoutStatus(payout.status), action)
    if status is None:
        raise PayoutStateInvalid(state=payout.status)
    return payout, status


def _announce(tx: Tx, payout: Payout, status: PayoutStatus, *, decision: str, reason: str) -> Payout:
    tx.audit(target=payout.id, before={"status": payout.status}, after={"status": status})
    after = payouts.find(tx, payout.id)
    assert after is not None, "it is locked"
    tx.emit(
        events.PayoutDecided(
            payout_id=str(payout.id),
            vendor_store_id=str(payout.vendor_store_id),
            vendor_store_name=payout.vendor_store_name,
            decision=decision,
            reason=reason,
            amount_cents=after.gross_cents - after.netted_cents,
            currency=payout.currency,
        )
    )
    return after
