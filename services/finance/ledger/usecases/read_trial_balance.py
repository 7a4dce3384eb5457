"""Read what all accounts add up to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.finance.ledger.data import books, ledger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import Proof
    from services.finance.ledger.data.ledger import KindTotal


@dataclass(frozen=True)
class Trial:
    """What all accounts add up to."""

    lines: Sequence[KindTotal]
    totals: dict[str, int]
    closed_through: date | None
    proof: Proof | None


def read_trial_balance(tx: Tx) -> Trial:
    """Return debits and credits per kind of account and currency, and the sum per currency."""
    lines = ledger.balances(tx)
    totals: dict[str, int] = defaultdict(int)
    for line in lines:
        totals[line.currency] += int(line.sum_cents)
    return Trial(lines, dict(totals), books.closed_through(tx), books.last_proof(tx))
