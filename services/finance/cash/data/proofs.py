"""SQL that compares cash custody with what is posted."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class WronglyHandedInOrder(NamedTuple):
    """An order: what was posted of its hand-in, and what was counted, found later and written off."""

    order_id: uuid.UUID
    handed_in: Decimal
    handed_in_expected: int
    difference: Decimal
    difference_expected: int


class WronglyHeldCash(NamedTuple):
    """An agent, what its account says it carries, and what it should carry."""

    agent_id: uuid.UUID
    currency: str
    held: Decimal
    expected: Decimal


class WrongBlock(NamedTuple):
    """An order, the mismatch that its cash names, and the one that is open."""

    order_id: uuid.UUID
    named: uuid.UUID | None
    open: uuid.UUID | None


class WrongCustody(NamedTuple):
    """An order, the hand-in that its cash is in and whether that was counted; and what was declared and counted."""

    order_id: uuid.UUID
    hand_in_id: uuid.UUID | None
    is_counted: bool
    declared_in: uuid.UUID | None
    was_counted: bool


class WrongHandIn(NamedTuple):
    """A hand-in, and what its orders say it should be."""

    id: uuid.UUID
    status: str
    declared_cents: int
    counted_cents: int | None
    declared: Decimal | None
    counted: Decimal | None
    expected: str


# What was posted of each order's hand-in against what was counted, found later and written off.
_WRONGLY_HANDED_IN = sql(
    """
    WITH posted AS (
        SELECT e.subject_id AS order_id,
               coalesce(-sum(p.amount_cents) FILTER (WHERE e.type = 'cash_handed_in'), 0) AS handed_in,
               coalesce(-sum(p.amount_cents) FILTER (WHERE e.type = 'cash_difference'), 0) AS difference
        FROM ledger_entries e JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
        WHERE e.type IN ('cash_handed_in', 'cash_difference') AND a.kind = 'cash_in_transit' GROUP BY e.subject_id
    ), kept AS (
        SELECT c.order_id, c.counted_cents + coalesce(m.recovered_cents, 0) AS handed_in,
               coalesce(m.written_off_cents, 0) AS difference
        FROM cash_counts c LEFT JOIN cash_mismatches m ON m.order_id = c.order_id
    )
    SELECT coalesce(p.order_id, k.order_id) AS order_id, coalesce(p.handed_in, 0) AS handed_in,
           coalesce(k.handed_in, 0) AS handed_in_expected, coalesce(p.difference, 0) AS difference,
           coalesce(k.difference, 0) AS difference_expected
    FROM posted p FULL JOIN kept k ON k.order_id = p.order_id
    WHERE coalesce(p.handed_in, 0) <> coalesce(k.handed_in, 0) OR coalesce(p.difference, 0) <> coalesce(k.difference, 0)
    """,
    WronglyHandedInOrder,
)
# Held is what was collected less what was handed in and written off, for each agent and currency.
_WRONGLY_HELD = sql(
    """
    WITH held AS (
        SELECT a.owner_id AS agent_id, a.currency, sum(p.amount_cents) AS cents
        FROM accounts a JOIN postings p ON p.account_id = a.id JOIN ledger_entries e ON e.id = p.entry_id
        WHERE a.kind = 'cash_in_transit' AND e.type IN ('cash_collected', 'cash_handed_in', 'cash_difference')
        GROUP BY a.owner_id, a.currency
    ), carried AS (
        SELECT k.collected_by_user_id AS agent_id, i.currency,
               sum(i.amount_cents - i.credited_cents - coalesce(c.counted_cents, 0) - coalesce(m.recovered_cents, 0)
                   - coalesce(m.written_off_cents, 0)) AS cents
        FROM payment_intents i JOIN cash_custodies k ON k.intent_id = i.id
        LEFT JOIN cash_counts c ON c.order_id = i.subject_id LEFT JOIN cash_mismatches m ON m.order_id = i.subject_id
        WHERE i.status IN ('settled', 'paid') AND i.subject_kind = 'order'
        GROUP BY k.collected_by_user_id, i.currency
    )
    SELECT coalesce(h.agent_id, c.agent_id) AS agent_id, coalesce(h.currency, c.currency) AS currency,
           coalesce(h.cents, 0) AS held, coalesce(c.cents, 0) AS expected
    FROM held h FULL JOIN carried c ON c.agent_id = h.agent_id AND c.currency = h.currency
    WHERE coalesce(h.cents, 0) <> coalesce(c.cents, 0)
    """,
    WronglyHeldCash,
)
# The custody of an intent's cash names exactly the open mismatch of its order.
_WRONGLY_BLOCKED = sql(
    """
    SELECT coalesce(i.subject_id, m.order_id) AS order_id, i.mismatch_id AS named, m.id AS open
    FROM (SELECT i.subject_id, k.mismatch_id FROM cash_custodies k JOIN payment_intents i ON i.id = k.intent_id
          WHERE k.mismatch_id IS NOT NULL) i
    FULL JOIN (SELECT id, order_id FROM cash_mismatches WHERE resolved_at IS NULL) m ON m.order_id = i.subject_id
    WHERE i.mismatch_id IS DISTINCT FROM m.id
    """,
    WrongBlock,
)
# The custody of an intent's cash says where that was declared, and whether it was counted.
_WRONG_CUSTODIES = sql(
    """
    SELECT coalesce(k.subject_id, d.order_id) AS order_id, k.hand_in_id, k.counted_at IS NOT NULL AS is_counted,
           d.hand_in_id AS declared_in, d.counted_cents IS NOT NULL AS was_counted
    FROM (SELECT i.subject_id, c.hand_in_id, c.counted_at FROM cash_custodies c JOIN payment_intents i ON i.id = c.intent_id) k
    FULL JOIN (SELECT d.order_id, d.hand_in_id, c.counted_cents FROM cash_declarations d
               LEFT JOIN cash_counts c ON c.order_id = d.order_id) d ON d.order_id = k.subject_id
    WHERE k.hand_in_id IS DISTINCT FROM d.hand_in_id OR (k.counted_at IS NULL) <> (d.counted_cents IS NULL)
    """,
    WrongCustody,
)
# A hand-in says what its orders come to, and is mismatched exactly while one of them is.
_WRONG_HAND_INS = sql(
    """
    WITH sums AS (
        SELECT d.hand_in_id, sum(d.declared_cents) AS declared, sum(c.counted_cents) AS counted,
               bool_or(m.id IS NOT NULL AND m.resolved_at IS NULL) AS is_open, bool_or(m.id IS NOT NULL) AS has_any,
               count(*) AS orders, count(c.order_id) AS counts
        FROM cash_declarations d LEFT JOIN cash_counts c ON c.order_id = d.order_id
        LEFT JOIN cash_mismatches m ON m.order_id = d.order_id GROUP BY d.hand_in_id
    ), compared AS (
        SELECT h.id, h.status, h.declared_cents, h.counted_cents, s.declared, s.counted, s.orders, s.counts,
               CASE WHEN s.counts = 0 THEN 'declared' WHEN s.is_open THEN 'mismatched' WHEN s.has_any THEN 'resolved'
                    ELSE 'matched' END AS expected
        FROM cash_hand_ins h LEFT JOIN sums s ON s.hand_in_id = h.id
    )
    SELECT {columns} FROM compared
    WHERE status IS DISTINCT FROM expected OR declared_cents IS DISTINCT FROM declared
       OR counted_cents IS DISTINCT FROM counted OR counts NOT IN (0, orders)
    """,
    WrongHandIn,
)


def wrongly_handed_in_orders(tx: Tx) -> list[WronglyHandedInOrder]:
    """Return orders whose hand-in was not posted as counted, found later or written off."""
    return tx.execute(_WRONGLY_HANDED_IN).all()


def wrongly_held_by_agents(tx: Tx) -> list[WronglyHeldCash]:
    """Return agents whose account is not what they collected and have not handed in."""
    return tx.execute(_WRONGLY_HELD).all()


def wrongly_blocked_intents(tx: Tx) -> list[WrongBlock]:
    """Return cash that does not name exactly the open mismatch of their order."""
    return tx.execute(_WRONGLY_BLOCKED).all()


def wrong_custodies(tx: Tx) -> list[WrongCustody]:
    """Return cash that is said to be in another hand-in than it was declared in, or to be counted when it was not."""
    return tx.execute(_WRONG_CUSTODIES).all()


def wrong_hand_ins(tx: Tx) -> list[WrongHandIn]:
    """Return hand-ins that are not what their orders come to."""
    return tx.execute(_WRONG_HAND_INS).all()
