"""SQL about who delivers which order, as fulfillment told it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from meshkit.db.recordset import to_json
from meshkit.db.sql import sql
from services.commerce.schema.orders import order_assignments

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.assignment import Assignment

# Events from before the version was told have none; among those the time decides.
_KEEP = sql(
    """
    INSERT INTO order_assignments AS known (order_id, agent_user_id, reason, assigned_at, version)
    SELECT order_id, agent_user_id, reason, assigned_at, version
    FROM json_to_recordset(CAST(:rows AS json))
        AS r (order_id uuid, agent_user_id uuid, reason text, assigned_at timestamptz, version bigint)
    ON CONFLICT ON CONSTRAINT order_assignments_pk DO UPDATE SET agent_user_id = excluded.agent_user_id,
        reason = excluded.reason, assigned_at = excluded.assigned_at, version = excluded.version
    WHERE (known.version, known.assigned_at) < (excluded.version, excluded.assigned_at)
    """
)


def keep(tx: Tx, told: Iterable[Assignment]) -> None:
    """Insert or replace assignments, no two of one order, in one statement; older ones change nothing."""
    tx.execute(_KEEP, {"rows": to_json(map(vars, told))})


def find(tx: Tx, order_id: uuid.UUID) -> Any | None:
    """Return who was last given an order, or None."""
    return tx.execute(select(order_assignments).where(order_assignments.c.order_id == order_id)).one_or_none()


def of_orders(tx: Tx, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return who was last given each of some orders, by order; those that nobody was given are missing."""
    statement = select(order_assignments).where(order_assignments.c.order_id.in_(order_ids))
    return {row.order_id: row for row in tx.execute(statement)}
