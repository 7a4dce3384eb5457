"""Keep what vendors owe us back from their payouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.domain.ledger import Account, account_id
from services.finance.payouts.data import payouts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.db.tx import Tx


def net_debts(tx: Tx, gross: Mapping[Account, int]) -> dict[Account, int]:
    """Return what is kept back of payouts, by the account of what their vendor owes us; nobody else does until commit."""
    debts = payouts.lock_debts(tx, [account_id(account) for account in gross])
    return {account: min(max(debts.get(account_id(account), 0), 0), cents) for account, cents in gross.items()}
