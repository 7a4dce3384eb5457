"""Store every account's balance once a day, so that reading one sums only the postings since."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from services.finance.ledger.data import books

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

# No transaction lasts that long, so no entry comes before the snapshot any more.
SETTLED_AFTER = timedelta(hours=1)


def snapshot_balances(tx: Tx) -> int:
    """Store the balances of all accounts that moved; returns how many."""
    tx.allow_minutes()
    return books.take_snapshots(tx, before=tx.now - SETTLED_AFTER)
