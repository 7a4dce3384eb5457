"""Pay a vendor for one order (REQUIREMENTS A.6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.finance.errors import CashMismatchOpen, CashNotCounted, PayoutBelowMinimum, PayoutHeld, PayoutNotDue
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, next_status
from services.finance.payouts.domain.payout import net_cents
from services.finance.payouts.usecases.pay_vendors import PayoutTerms, put_into_payouts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def confirm_payout(tx: Tx, *, order_id: uuid.UUID, reference: str, terms: PayoutTerms) -> Any:
    """Pay the order, or ask for a second person; returns the intent. Again answers the same.

    Raises NotFound, PayoutNotDue, PayoutHeld, CashMismatchOpen, CashNotCounted,
    PayoutBelowMinimum.
    """
    intent = intents.lock_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    if intent.status == IntentStatus.PAID or intent.payout_id is not None:
        return intent
    require_due(intent)
    if terms.counted_cash_only and intent.method == "cash" and intent.cash_counted_at is None:
        raise CashNotCounted(order_id=str(order_id))
    made, skipped = put_into_payouts(tx, [intent], reference=reference, terms=terms)
    if not made:
        raise PayoutBelowMinimum(amount_cents=str(skipped[0].amount_cents), minimum_cents=str(terms.minimum_cents))
    after = intents.lock_by_order(tx, order_id)
    assert after is not None, "it is locked"
    tx.audit(
        target=order_id,
        before={"status": intent.status},
        after={"status": after.status, "payout_cents": net_cents(intent)},
    )
    return after


def require_due(intent: Any) -> None:
    """Raise PayoutNotDue, PayoutHeld or CashMismatchOpen unless the intent's order can be put into a payout."""
    paid = next_status(IntentStatus(intent.status), IntentAction.PAY_OUT)
    if paid is None or intent.delivered_at is None:
        raise PayoutNotDue(order_status=intent.order_status, payment_status=intent.status)
    if intent.payout_hold_reason:
        raise PayoutHeld(hold_reason=intent.payout_hold_reason)
    require_no_mismatch(intent)


def require_no_mismatch(intent: Any) -> None:
    """Raise CashMismatchOpen while the order's cash is not what it should be."""
    if intent.cash_mismatch_id is not None:
        raise CashMismatchOpen(order_id=str(intent.order_id), mismatch_id=str(intent.cash_mismatch_id))
