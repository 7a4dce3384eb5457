"""Recompute from the postings that no cent is lost or doubled."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from meshkit.db.sql import sql
from services.finance.cash.usecases.prove_custody import prove_custody
from services.finance.ledger.data import books, holds, ledger

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

# What is posted of each order against what its intent says; an order that is only on one side is compared with zero.
_ORDERS_OTHERWISE = sql(
    """
    WITH posted AS (
        SELECT e.order_id, a.currency,
               sum(p.amount_cents) FILTER (WHERE e.type = 'cash_collected' AND a.kind = 'cash_in_transit') AS collected,
               -sum(p.amount_cents) FILTER (WHERE e.type IN ('vendor_payout', 'payout_returned')
                                            AND a.kind = 'cash_clearing') AS paid_out,
               -sum(p.amount_cents) FILTER (WHERE a.kind = 'platform_fee') AS fees,
               -sum(p.amount_cents) FILTER (WHERE e.type IN ('refund', 'credit') AND a.kind = 'refund_payable') AS refunded,
               -sum(p.amount_cents) FILTER (WHERE e.type = 'credit' AND a.kind = 'refund_payable') AS credited
        FROM ledger_entries e JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
        WHERE e.type IN ('cash_collected', 'vendor_payout', 'payout_returned', 'refund', 'credit') AND e.order_id IS NOT NULL
        GROUP BY e.order_id, a.currency
    ), compared AS (
        SELECT coalesce(i.order_id, t.order_id) AS order_id,
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
        FROM payment_intents i FULL JOIN posted t ON t.order_id = i.order_id AND t.currency = i.currency
    )
    SELECT * FROM compared
    WHERE collected <> collected_expected OR paid_out <> paid_out_expected OR fees <> fees_expected
       OR refunded <> refunded_expected
       OR credited <> credited_expected
    """
)
# What a payout says against what its orders come to and what left our account for it.
_PAYOUTS_OTHERWISE = sql(
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
    """
)


# What is delivered and costs nothing any more is settled.
_NOTHING_DUE = sql(
    "SELECT order_id, status FROM payment_intents WHERE delivered_at IS NOT NULL AND amount_cents = credited_cents"
    " AND status NOT IN ('settled', 'paid', 'rejected')"
)


def prove_ledger(tx: Tx) -> list[str]:
    """Return every violation of the ledger's invariants, as text; none is the only good answer."""
    problems = [f"entry {row.entry_id} sums to {row.sum_cents} {row.currency}" for row in ledger.unbalanced_entries(tx)]
    problems += [f"entry {row.id} has fewer than two postings" for row in ledger.one_sided_entries(tx)]
    sums: dict[str, int] = defaultdict(int)
    for row in ledger.balances(tx):
        sums[row.currency] += int(row.sum_cents)
    problems += [f"the ledger sums to {total} {currency}" for currency, total in sums.items() if total]
    problems += [
        f"snapshot of account {row.account_id} says {row.balance_cents}, its postings {row.sum_cents}"
        for row in books.wrong_snapshots(tx)
    ]
    problems += [f"entry {row.id} does not take back what it names" for row in books.wrong_reversals(tx)]
    problems += [f"hold {row.id} did not move what it held" for row in holds.wrongly_posted(tx)]
    problems += [
        f"payout {row.id}: {row.listed} of {row.gross_cents} listed, {row.moved} transferred, {row.moved_expected} expected"
        for row in tx.execute(_PAYOUTS_OTHERWISE)
    ]
    problems += [
        f"order {row.order_id} is delivered and nothing is due, its payment is {row.status}"
        for row in tx.execute(_NOTHING_DUE)
    ]
    for row in tx.execute(_ORDERS_OTHERWISE):
        problems += _differences(row)
    return problems + prove_custody(tx)


def _differences(row: Any) -> list[str]:
    compared = (
        ("collected", row.collected, row.collected_expected),
        ("paid out", row.paid_out, row.paid_out_expected),
        ("of fees posted", row.fees, row.fees_expected),
        ("refunded", row.refunded, row.refunded_expected),
        ("credited", row.credited, row.credited_expected),
    )
    return [
        f"order {row.order_id}: {posted} {what}, {expected} expected"
        for what, posted, expected in compared
        if posted != expected
    ]
