"""Recompute from the postings that no cent is lost or doubled."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from services.finance.ledger.data import books, holds, ledger

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def prove_ledger(tx: Tx) -> list[str]:
    """Return every violation of the ledger's invariants, as text."""
    problems = [f"entry {row.entry_id} sums to {row.sum_cents} {row.currency}" for row in ledger.unbalanced_entries(tx)]
    problems += [f"entry {entry_id} has fewer than two postings" for entry_id in ledger.one_sided_entries(tx)]
    sums: dict[str, int] = defaultdict(int)
    for row in ledger.balances(tx):
        sums[row.currency] += int(row.sum_cents)
    problems += [f"the ledger sums to {total} {currency}" for currency, total in sums.items() if total]
    problems += [
        f"snapshot of account {row.account_id} says {row.balance_cents}, its postings {row.sum_cents}"
        for row in books.wrong_snapshots(tx)
    ]
    problems += [f"entry {entry_id} does not take back what it names" for entry_id in books.wrong_reversals(tx)]
    problems += [f"hold {hold_id} did not move what it held" for hold_id in holds.wrongly_posted(tx)]
    return problems
