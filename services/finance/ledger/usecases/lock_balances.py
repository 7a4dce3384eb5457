"""Lock accounts and read their balances, for a decision that two transactions must not make at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.data import account_locks
from services.finance.ledger.domain.ledger import account_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.ledger import Account


def lock_balances(tx: Tx, accounts: Collection[Account]) -> dict[Account, int]:
    """Return the balance of each account, debits minus credits; others that lock one of them wait until commit.

    An account that is not there yet has nothing and cannot be locked.
    """
    ids = {account: account_id(account) for account in accounts}
    account_locks.lock(tx, list(ids.values()))
    sums = account_locks.sums_of(tx, list(ids.values()))
    return {account: sums.get(each, 0) for account, each in ids.items()}
