"""Keep back from payouts what their vendors owe us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.domain.ledger import Account, account_id
from services.finance.payouts.data import payouts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.db.tx import Tx


def net_debts(tx: Tx, gross: Mapping[Account, int]) -> dict[Account, int]:
    """Return what is kept back of each payout, by the account of its vendor's debt; other payouts wait until commit."""
    debts = payouts.lock_debts(tx, [account_id(account) for account in gross])
    return {account: min(max(debts.get(account_id(account), 0), 0), cents) for account, cents in gross.items()}
