"""SQL about who delivers which order, as fulfillment announces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.recordset import to_json
from meshkit.db.sql import sql
from services.commerce.orders.domain.assignment import Assignment

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence

    from meshkit.db.tx import Tx

# The first events had no version: of two without one the later counts.
_UPSERT = sql(
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
_OF_ORDERS = sql("SELECT {columns} FROM order_assignments WHERE order_id = ANY(CAST(:order_ids AS uuid[]))", Assignment)


def upsert(tx: Tx, announced: Iterable[Assignment]) -> None:
    """Insert or replace assignments, no two of one order, in one statement; older ones change nothing."""
    tx.execute(_UPSERT, {"rows": to_json(assignment._asdict() for assignment in announced)})


def of_orders(tx: Tx, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Assignment]:
    """Return the last assignment of each of some orders, by order; orders that were never assigned are missing."""
    return {found.order_id: found for found in tx.execute(_OF_ORDERS, {"order_ids": list(order_ids)})}
