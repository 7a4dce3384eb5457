"""SQL that locks accounts before something is decided by their balance. Posting to a locked account does not wait."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


class AccountSum(NamedTuple):
    """What the postings of an account come to."""

    account_id: uuid.UUID
    cents: Decimal


_LOCK = sql("SELECT id FROM accounts WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE", uuid.UUID)
_SUMS = sql(
    "SELECT account_id, sum(amount_cents) AS cents FROM postings WHERE account_id = ANY(CAST(:ids AS uuid[]))"
    " GROUP BY account_id",
    AccountSum,
)


def lock(tx: Tx, account_ids: Sequence[uuid.UUID]) -> None:
    """Keep others from locking the same accounts until commit."""
    tx.execute(_LOCK, {"ids": list(account_ids)})


def sums_of(tx: Tx, account_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return what the postings of accounts come to; an account without any is left out."""
    return {row.account_id: int(row.cents) for row in tx.execute(_SUMS, {"ids": list(account_ids)})}
