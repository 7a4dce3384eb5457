"""Read the accounts of an owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.data import books
from services.finance.ledger.domain.ledger import NOBODY

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import AccountBalance


def read_accounts(tx: Tx, *, owner_id: uuid.UUID | None) -> Sequence[AccountBalance]:
    """Return an owner's accounts, or the platform's own."""
    return books.accounts_of(tx, owner_id or NOBODY)
