"""Transfer payouts: post their entries and mark their orders as paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.domain import ledger as entries
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.domain.intent import net_cents
from services.finance.payments.usecases.mark_paid_out import mark_paid_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.payouts.domain.payout import Share


def transfer_payouts(tx: Tx, shares: Sequence[Share], *, reference: str) -> None:
    """Post payouts whose intents are locked, mark these as paid, and announce each."""
    post_entries(tx, [entry for share in shares for entry in _entries(share, reference=reference)])
    mark_paid_out(tx, [intent for share in shares for intent in share.intents])


def _entries(share: Share, *, reference: str) -> list[NewEntry]:
    made = [
        NewEntry(
            entries.vendor_payout(
                subject=intent.subject,
                vendor_id=intent.vendor_store_id,
                payout_cents=net_cents(intent),
                currency=intent.currency,
                payout_id=share.payout_id,
            ),
            buyer_store_id=intent.buyer_store_id,
            vendor_store_id=intent.vendor_store_id,
            reference=reference,
        )
        for intent in share.intents
        if net_cents(intent)
    ]
    if share.netted_cents:
        first = share.intents[0]
        kept = entries.payout_netted(
            payout_id=share.payout_id,
            vendor_id=first.vendor_store_id,
            netted_cents=share.netted_cents,
            currency=first.currency,
        )
        made.append(NewEntry(kept, vendor_store_id=first.vendor_store_id, reference=reference))
    return made
