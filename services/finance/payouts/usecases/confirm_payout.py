"""Pay a vendor for one subject (REQUIREMENTS A.6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.errors import CashNotCounted, PayoutBelowMinimum
from services.finance.payments.domain.intent import IntentStatus, net_cents
from services.finance.payments.usecases.lock_payment import lock_payment
from services.finance.payments.usecases.read_payment import read_payment_detail
from services.finance.payouts.usecases.make_payouts import make_payouts
from services.finance.payouts.usecases.require_due import require_due

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent
    from services.finance.payouts.domain.payout import PayoutTerms


def confirm_payout(tx: Tx, subject: Subject, *, reference: str, terms: PayoutTerms) -> Intent:
    """Pay its vendor, or ask for a second person; returns the intent. A repeat answers the same.

    Raises NotFound, PayoutNotDue, PayoutHeld, CashMismatchOpen, CashNotCounted, PayoutBelowMinimum.
    """
    intent = lock_payment(tx, subject)
    if intent.status == IntentStatus.PAID or intent.payout_id is not None:
        return intent
    detail = read_payment_detail(tx, intent)
    require_due(intent, detail=detail)
    if terms.counted_cash_only and intent.method == "cash" and detail.cash_counted_at is None:
        raise CashNotCounted(order_id=str(subject.id))
    made, skipped = make_payouts(tx, [intent], reference=reference, terms=terms)
    if not made:
        raise PayoutBelowMinimum(amount_cents=str(skipped[0].amount_cents), minimum_cents=str(terms.minimum_cents))
    after = lock_payment(tx, subject)
    tx.audit(
        target=subject.id,
        before={"status": intent.status},
        after={"status": after.status, "payout_cents": net_cents(intent)},
    )
    return after
