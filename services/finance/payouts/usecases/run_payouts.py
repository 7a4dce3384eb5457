"""Pay everything that is due (REQUIREMENTS A.6.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.finance.payments.usecases.lock_payment import lock_payments
from services.finance.payouts.data import due, payouts
from services.finance.payouts.usecases.make_payouts import make_payouts

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent
    from services.finance.payouts.data.payouts import Payout
    from services.finance.payouts.domain.payout import PayoutTerms, Share

# A run locks and posts up to that many orders.
BATCH = 1000


@dataclass(frozen=True)
class Run:
    """What a run did: payouts made, vendors left out, and whether there is more."""

    payouts: Sequence[Payout]
    skipped: Sequence[Share]
    has_more: bool = False


def run_payouts(tx: Tx, *, vendor_store_id: uuid.UUID | None, reference: str, terms: PayoutTerms) -> Run:
    """Make one payout per vendor and currency of what is due, the oldest deliveries first; returns what was done."""
    chosen = due.choose(tx, vendor_store_id=vendor_store_id, counted_only=terms.counted_cash_only, limit=BATCH)
    payable = _lock_due(tx, chosen, counted_only=terms.counted_cash_only)
    made, skipped = make_payouts(tx, payable, reference=reference, terms=terms)
    ids = [share.payout_id for share in made]
    tx.audit(target=vendor_store_id or "all vendors", after={"payouts": [str(payout_id) for payout_id in ids]})
    return Run(payouts.find_many(tx, ids), skipped, has_more=len(chosen) == BATCH)


def _lock_due(tx: Tx, chosen: Sequence[uuid.UUID], *, counted_only: bool) -> list[Intent]:
    """Return those that can still be paid, locked: one may have been held since it was chosen."""
    locked = lock_payments(tx, intent_ids=chosen)
    payable = due.still_due(tx, chosen, counted_only=counted_only)
    return [intent for intent in locked if intent.id in payable]
