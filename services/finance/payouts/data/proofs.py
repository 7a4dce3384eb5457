"""SQL that compares payouts with their items and with what is posted."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class WronglyPostedPayout(NamedTuple):
    """A payout: what its orders come to, what left our account for it, and what should have."""

    id: uuid.UUID
    gross_cents: int
    listed: Decimal
    moved: Decimal
    moved_expected: int


# A payout's sums against those of its orders and what left our account for it.
_WRONGLY_POSTED = sql(
    """
    WITH listed AS (
        SELECT payout_id, sum(amount_cents) AS cents FROM payout_items GROUP BY payout_id
    ), moved AS (
        SELECT e.cause_id AS payout_id, -sum(p.amount_cents) AS cents
        FROM ledger_entries e JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
        WHERE e.cause_type = 'payout' AND a.kind = 'cash_clearing' AND e.type <> 'adjustment' GROUP BY e.cause_id
    )
    SELECT o.id, o.gross_cents, coalesce(l.cents, 0) AS listed, coalesce(m.cents, 0) AS moved,
           CASE WHEN o.status = 'paid' THEN o.gross_cents - o.netted_cents ELSE 0 END AS moved_expected
    FROM payouts o LEFT JOIN listed l ON l.payout_id = o.id LEFT JOIN moved m ON m.payout_id = o.id
    WHERE o.gross_cents <> coalesce(l.cents, 0)
       OR coalesce(m.cents, 0) <> CASE WHEN o.status = 'paid' THEN o.gross_cents - o.netted_cents ELSE 0 END
    """,
    WronglyPostedPayout,
)


def wrongly_posted_payouts(tx: Tx) -> list[WronglyPostedPayout]:
    """Return payouts that are not what their orders come to or what left our account."""
    return tx.execute(_WRONGLY_POSTED).all()
