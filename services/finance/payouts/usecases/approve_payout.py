"""A second person lets a payout go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.usecases.read_open_custody_mismatches import read_open_custody_mismatches
from services.finance.errors import ApproverMustDiffer
from services.finance.ledger.domain.ledger import Account, AccountKind
from services.finance.payments.usecases.lock_payment import lock_payments
from services.finance.payouts.data import payouts
from services.finance.payouts.domain.payout import PayoutAction, Share
from services.finance.payouts.usecases.announce_decision import announce_decision
from services.finance.payouts.usecases.lock_payout import lock_payout
from services.finance.payouts.usecases.net_debts import net_debts
from services.finance.payouts.usecases.require_due import require_no_mismatch
from services.finance.payouts.usecases.transfer_payouts import transfer_payouts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payouts.data.payouts import Payout


def approve_payout(tx: Tx, *, payout_id: uuid.UUID, reference: str) -> Payout:
    """Transfer a payout that waits; returns it.

    Raises NotFound, PayoutStateInvalid, ApproverMustDiffer, and CashMismatchOpen for an order whose cash was found wrong
    since: the payout waits for it, or is rejected.
    """
    payout, status = lock_payout(tx, payout_id=payout_id, action=PayoutAction.APPROVE)
    if payout.requested_by_user_id == tx.principal.require_user:
        raise ApproverMustDiffer
    orders = lock_payments(tx, intent_ids=[item.intent_id for item in payouts.items_of(tx, payout_id)])
    mismatches = read_open_custody_mismatches(tx, intent_ids=[intent.id for intent in orders])
    for intent in orders:
        require_no_mismatch(intent, mismatch_id=mismatches.get(intent.id))
    payouts.decide(tx, payout_id, decision="approve", reason=reference)
    debt = Account(AccountKind.VENDOR_RECEIVABLE, payout.currency, payout.vendor_store_id)
    kept = net_debts(tx, {debt: payout.gross_cents})[debt]
    reference = reference or payout.reference
    transfer_payouts(tx, [Share(payout_id, orders, payout.gross_cents, kept)], reference=reference)
    payouts.mark_paid(tx, payout_id, netted_cents=kept, reference=reference)
    return announce_decision(tx, payout, status=status, decision="approve", reason=reference)
