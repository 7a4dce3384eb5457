"""Recompute from the postings that no cent is lost or doubled."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import text

from services.finance.data import ledger

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

_INTENTS_WITHOUT_ENTRY = text(
    """
    SELECT i.order_id, i.status FROM payment_intents i
    WHERE i.status IN ('settled', 'paid') AND i.amount_cents > 0
      AND NOT EXISTS (SELECT 1 FROM ledger_entries e WHERE e.order_id = i.order_id AND e.type = 'cash_collected')
    """
)
_COLLECTED_OTHERWISE = text(
    """
    SELECT i.order_id, i.amount_cents, sum(p.amount_cents) AS collected_cents
    FROM payment_intents i
    JOIN ledger_entries e ON e.order_id = i.order_id AND e.type = 'cash_collected'
    JOIN postings p ON p.entry_id = e.id
    JOIN accounts a ON a.id = p.account_id AND a.kind = 'cash_in_transit'
    GROUP BY i.order_id, i.amount_cents HAVING sum(p.amount_cents) <> i.amount_cents
    """
)
_PAID_OTHERWISE = text(
    """
    SELECT i.order_id FROM payment_intents i
    LEFT JOIN ledger_entries e ON e.order_id = i.order_id AND e.type = 'vendor_payout'
    WHERE (i.status = 'paid' AND i.amount_cents > i.fee_cents) <> (e.id IS NOT NULL)
    """
)


def prove_ledger(tx: Tx) -> list[str]:
    """Return every violation of the ledger's invariants, as text; none is the only good answer."""
    problems = [
        f"entry {row.entry_id} sums to {row.sum_cents} {row.currency}" for row in ledger.unbalanced_entries(tx)
    ]
    problems += [f"entry {row.id} has fewer than two postings" for row in ledger.one_sided_entries(tx)]
    sums: dict[str, int] = defaultdict(int)
    for row in ledger.balances(tx):
        sums[row.currency] += int(row.sum_cents)
    problems += [f"the ledger sums to {total} {currency}" for currency, total in sums.items() if total]
    problems += [
        f"order {row.order_id} is {row.status} without a cash_collected entry"
        for row in tx.execute(_INTENTS_WITHOUT_ENTRY)
    ]
    problems += [
        f"order {row.order_id}: {row.collected_cents} collected, intent over {row.amount_cents}"
        for row in tx.execute(_COLLECTED_OTHERWISE)
    ]
    problems += [
        f"order {row.order_id}: intent and payout entry disagree" for row in tx.execute(_PAID_OTHERWISE)
    ]
    return problems
