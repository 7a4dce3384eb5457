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


class WronglyMarkedIntent(NamedTuple):
    """An intent, the payout that it says it is in, and the one that lists it."""

    subject_kind: str
    subject_id: uuid.UUID
    marked: uuid.UUID | None
    listed: uuid.UUID | None


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
# An intent says which payout it is in, until that is rejected or comes back.
_WRONGLY_MARKED = sql(
    """
    SELECT i.subject_kind, i.subject_id, i.payout_id AS marked, l.payout_id AS listed
    FROM payment_intents i LEFT JOIN (
        SELECT p.intent_id, p.payout_id FROM payout_items p JOIN payouts o ON o.id = p.payout_id
        WHERE p.active AND o.status IN ('awaiting_approval', 'paid')
    ) l ON l.intent_id = i.id
    WHERE i.payout_id IS DISTINCT FROM l.payout_id
    """,
    WronglyMarkedIntent,
)


def wrongly_posted_payouts(tx: Tx) -> list[WronglyPostedPayout]:
    """Return payouts that are not what their orders come to or what left our account."""
    return tx.execute(_WRONGLY_POSTED).all()


def wrongly_marked_intents(tx: Tx) -> list[WronglyMarkedIntent]:
    """Return intents that name another payout than the one that lists them."""
    return tx.execute(_WRONGLY_MARKED).all()
