"""SQL that compares payment intents with what is posted."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class WronglyPostedSubject(NamedTuple):
    """What is posted of a subject, and what its intent says should be."""

    subject_kind: str
    subject_id: uuid.UUID
    collected: Decimal
    collected_expected: int
    paid_out: Decimal
    paid_out_expected: int
    fees: Decimal
    fees_expected: int
    refunded: Decimal
    refunded_expected: int
    credited: Decimal
    credited_expected: int


class UnsettledSubject(NamedTuple):
    """A delivered subject with nothing due, and where its payment is."""

    subject_kind: str
    subject_id: uuid.UUID
    status: str


# What is posted of each subject against what its intent says; one that only one of them has is compared with zero.
_WRONGLY_POSTED = sql(
    """
    WITH posted AS (
        SELECT e.subject_kind, e.subject_id, a.currency,
               sum(p.amount_cents) FILTER (WHERE e.type = 'cash_collected' AND a.kind = 'cash_in_transit') AS collected,
               -sum(p.amount_cents) FILTER (WHERE e.type IN ('vendor_payout', 'payout_returned')
                                            AND a.kind = 'cash_clearing') AS paid_out,
               -sum(p.amount_cents) FILTER (WHERE a.kind = 'platform_fee') AS fees,
               -sum(p.amount_cents) FILTER (WHERE e.type IN ('refund', 'credit') AND a.kind = 'refund_payable') AS refunded,
               -sum(p.amount_cents) FILTER (WHERE e.type = 'credit' AND a.kind = 'refund_payable') AS credited
        FROM ledger_entries e JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
        WHERE e.type IN ('cash_collected', 'vendor_payout', 'payout_returned', 'refund', 'credit') AND e.subject_id IS NOT NULL
        GROUP BY e.subject_kind, e.subject_id, a.currency
    ), compared AS (
        SELECT coalesce(i.subject_kind, t.subject_kind) AS subject_kind,
               coalesce(i.subject_id, t.subject_id) AS subject_id,
               coalesce(t.collected, 0) AS collected,
               CASE WHEN i.status IN ('settled', 'paid') THEN i.amount_cents - i.credited_cents ELSE 0 END
                 AS collected_expected,
               coalesce(t.paid_out, 0) AS paid_out,
               CASE WHEN i.status = 'paid' THEN i.amount_cents - i.fee_cents - i.payable_refunded_cents ELSE 0 END
                 AS paid_out_expected,
               coalesce(t.fees, 0) AS fees,
               CASE WHEN i.status IN ('settled', 'paid') THEN i.fee_cents ELSE 0 END - coalesce(i.refunded_fee_cents, 0)
                 AS fees_expected,
               coalesce(t.refunded, 0) AS refunded, coalesce(i.refunded_cents, 0) AS refunded_expected,
               coalesce(t.credited, 0) AS credited, coalesce(i.credited_cents, 0) AS credited_expected
        FROM payment_intents i
        FULL JOIN posted t
          ON t.subject_kind = i.subject_kind AND t.subject_id = i.subject_id AND t.currency = i.currency
    )
    SELECT {columns} FROM compared
    WHERE collected <> collected_expected OR paid_out <> paid_out_expected OR fees <> fees_expected
       OR refunded <> refunded_expected
       OR credited <> credited_expected
    """,
    WronglyPostedSubject,
)
# A delivered subject of which nothing is due must be settled.
_NOTHING_DUE = sql(
    "SELECT {columns} FROM payment_intents WHERE delivered_at IS NOT NULL"
    " AND amount_cents = credited_cents AND status NOT IN ('settled', 'paid', 'rejected')",
    UnsettledSubject,
)


def wrongly_posted_subjects(tx: Tx) -> list[WronglyPostedSubject]:
    """Return subjects whose postings are not what their intent says."""
    return tx.execute(_WRONGLY_POSTED).all()


def unsettled_though_nothing_is_due(tx: Tx) -> list[UnsettledSubject]:
    """Return delivered subjects that cost nothing any more and are not settled."""
    return tx.execute(_NOTHING_DUE).all()
