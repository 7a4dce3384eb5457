"""Keep back from payouts what their vendors owe us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.usecases.lock_balances import lock_balances

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.ledger import Account


def net_debts(tx: Tx, gross: Mapping[Account, int]) -> dict[Account, int]:
    """Return what is kept back of each payout, by the account of its vendor's debt.

    Payouts of one vendor wait for each other until commit, so that what it owes us is kept back once.
    """
    debts = lock_balances(tx, gross.keys())
    return {account: min(max(debts[account], 0), cents) for account, cents in gross.items()}
