"""Pay everything that is due (REQUIREMENTS A.6.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.finance.payments.usecases.lock_payment import lock_payments
from services.finance.payouts.data import due, payouts
from services.finance.payouts.usecases.make_payouts import make_payouts

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent
    from services.finance.payouts.data.due import ChosenIntent, DueShare
    from services.finance.payouts.data.payouts import Payout
    from services.finance.payouts.domain.payout import PayoutTerms

# A run locks and posts up to that many orders, and names up to that many vendors whom it leaves out.
BATCH = 1000


@dataclass(frozen=True)
class Run:
    """What a run did: payouts made, what is left because it is too small, and whether another run would pay more."""

    payouts: Sequence[Payout]
    skipped: Sequence[DueShare]
    has_more: bool = False


def run_payouts(tx: Tx, *, vendor_store_id: uuid.UUID | None, reference: str, terms: PayoutTerms) -> Run:
    """Make one payout per vendor and currency of what is due, who has waited longest first; returns what was done."""
    counted_only = terms.counted_cash_only
    chosen = due.choose(
        tx, vendor_store_id=vendor_store_id, counted_only=counted_only, minimum_cents=terms.minimum_cents, limit=BATCH
    )
    payable = _lock_due(tx, [each.id for each in chosen], counted_only=counted_only)
    made, _ = make_payouts(tx, payable, reference=reference, terms=_terms_of(chosen, terms=terms))
    ids = [share.payout_id for share in made]
    tx.audit(target=vendor_store_id or "all vendors", after={"payouts": [str(payout_id) for payout_id in ids]})
    left = due.left(tx, vendor_store_id=vendor_store_id, counted_only=counted_only)
    skipped = [share for share in left if terms.is_too_small(share.amount_cents)]
    return Run(payouts.find_many(tx, ids), skipped[:BATCH], has_more=len(skipped) < len(left))


def _terms_of(chosen: Sequence[ChosenIntent], *, terms: PayoutTerms) -> PayoutTerms:
    """Return the terms of a run. A part of what a vendor gets is as large as the whole: not too small, and for two persons."""
    if not any(each.is_part for each in chosen):
        return terms
    is_for_two = chosen[0].whole_cents > terms.two_persons_above_cents
    return replace(terms, minimum_cents=0, two_persons_above_cents=0 if is_for_two else terms.two_persons_above_cents)


def _lock_due(tx: Tx, chosen: Sequence[uuid.UUID], *, counted_only: bool) -> list[Intent]:
    """Return those that can still be paid, locked: one may have been held since it was chosen."""
    locked = lock_payments(tx, intent_ids=chosen)
    payable = due.still_due(tx, chosen, counted_only=counted_only)
    return [intent for intent in locked if intent.id in payable]
