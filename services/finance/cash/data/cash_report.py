"""SQL of the day's cash report: all of it from the postings of what agents carry."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from datetime import date

    from meshkit.db.tx import Tx


class AgentDay(NamedTuple):
    """What an agent carried before a day, what became of it that day, and what it carried in the end, in minor units."""

    id: uuid.UUID
    agent_user_id: uuid.UUID
    currency: str
    opening: Decimal
    collected: Decimal
    handed_in: Decimal
    differences: Decimal
    other: Decimal
    held: Decimal


_REPORT = sql(
    """
    SELECT a.id, a.owner_id AS agent_user_id, a.currency,
           coalesce(sum(p.amount_cents) FILTER (WHERE e.effective_on < :day), 0) AS opening,
           coalesce(sum(p.amount_cents) FILTER (WHERE e.effective_on = :day AND e.type = 'cash_collected'), 0) AS collected,
           coalesce(-sum(p.amount_cents) FILTER (WHERE e.effective_on = :day AND e.type = 'cash_handed_in'), 0) AS handed_in,
           coalesce(-sum(p.amount_cents) FILTER (WHERE e.effective_on = :day AND e.type = 'cash_difference'), 0)
             AS differences,
           coalesce(sum(p.amount_cents) FILTER (
             WHERE e.effective_on = :day AND e.type NOT IN ('cash_collected', 'cash_handed_in', 'cash_difference')), 0)
             AS other,
           sum(p.amount_cents) AS held
    FROM accounts a JOIN postings p ON p.account_id = a.id JOIN ledger_entries e ON e.id = p.entry_id
    WHERE a.kind = 'cash_in_transit' AND e.effective_on <= :day
      AND (CAST(:agent AS uuid) IS NULL OR a.owner_id = CAST(:agent AS uuid))
      AND (CAST(:after AS uuid) IS NULL OR a.id > CAST(:after AS uuid))
    GROUP BY a.id, a.owner_id, a.currency
    HAVING sum(p.amount_cents) <> 0 OR count(*) FILTER (WHERE e.effective_on = :day) > 0
    ORDER BY a.id LIMIT :limit
    """,
    AgentDay,
)


def page_of_day(
    tx: Tx, *, day: date, agent_user_id: uuid.UUID | None, after: uuid.UUID | None, limit: int
) -> list[AgentDay]:
    """Return what each agent did on a day, or what one did; sorted by the agents' accounts.

    Agents who hold nothing and did nothing that day are left out. A past day changes only by entries that are made to
    count for it later.
    """
    values = {"day": day, "agent": agent_user_id, "after": after, "limit": limit}
    return tx.execute(_REPORT, values).all()
