"""Recompute every payout from its items and from the postings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payouts.data import proofs

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def prove_payouts(tx: Tx) -> list[str]:
    """Return every payout that is not what its items come to or what left our account, or that its intents do not name."""
    problems = [
        f"payout {row.id}: {row.listed} of {row.gross_cents} listed, {row.moved} transferred, {row.moved_expected} expected"
        for row in proofs.wrongly_posted_payouts(tx)
    ]
    problems += [
        f"payment of {row.subject_kind} {row.subject_id} names payout {row.marked}, {row.listed} lists it"
        for row in proofs.wrongly_marked_intents(tx)
    ]
    return problems
