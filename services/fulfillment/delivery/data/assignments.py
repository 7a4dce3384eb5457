"""SQL about who delivers an order, and which steps that agent has taken."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from sqlalchemy import insert

from meshkit.db.sql import sql
from services.fulfillment.schema import assignments

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class Assignment(NamedTuple):
    """Who had an order, from when to when and why."""

    agent_user_id: uuid.UUID
    reason: str
    note: str
    assigned_by_user_id: uuid.UUID | None
    assigned_at: datetime
    unassigned_at: datetime | None


class StepColumns(TypedDict):
    """What of an assignment goes with the goods to the agent who has them next."""

    pickup_time: datetime | None
    delivery_time: datetime | None
    cash_pickup_time: datetime | None
    proof_kind: str | None
    proof_media_id: uuid.UUID | None


_TAKE_AWAY = sql(
    "UPDATE order_assignments SET active = false, unassigned_at = :now"
    " WHERE order_id = :order_id AND unassigned_at IS NULL"
)
_COUNT = sql("SELECT count(*) FROM order_assignments WHERE order_id = :order_id", int)
_CLOSE = sql("UPDATE order_assignments SET active = false WHERE order_id = :order_id AND active")
_NOTE_STEP = {
    step: sql(f"UPDATE order_assignments SET {step} = coalesce({step}, :at) WHERE id = :assignment_id")  # noqa: S608
    for step in ("pickup_time", "delivery_time", "cash_pickup_time")
}
_BEGIN_PICKUP = sql("UPDATE order_assignments SET pickup_begun_at = :at WHERE id = :assignment_id")
_RECORD_PROOF = sql(
    "UPDATE order_assignments SET proof_kind = :kind, proof_media_id = :media_id"
    " WHERE id = :assignment_id AND delivery_time IS NULL"
)
_OF_ORDER = sql(
    "SELECT {columns} FROM order_assignments WHERE order_id = :order_id"
    " ORDER BY assigned_at, unassigned_at NULLS LAST, id",
    Assignment,
)


def assign(
    tx: Tx,
    *,
    assignment_id: uuid.UUID,
    order_id: uuid.UUID,
    agent_user_id: uuid.UUID,
    reason: str,
    note: str,
    assigned_by_user_id: uuid.UUID | None = None,
    steps: StepColumns | None = None,
) -> int:
    """Take an order from the agent who has it, if any, and give it to one; returns how often it was given. It must be locked.

    `steps` are those that were taken before.
    """
    tx.execute(_TAKE_AWAY, {"order_id": order_id, "now": tx.now})
    columns = {
        "id": assignment_id,
        "order_id": order_id,
        "agent_user_id": agent_user_id,
        "assigned_by_user_id": assigned_by_user_id,
        "reason": reason,
        "note": note,
        "active": True,
        "assigned_at": tx.now,
    }
    tx.execute(insert(assignments).values({**columns, **(steps or {})}))
    return tx.execute(_COUNT, {"order_id": order_id}).one()


def close(tx: Tx, order_id: uuid.UUID) -> None:
    """Close the active assignment of an order that is over; it stays its agent's."""
    tx.execute(_CLOSE, {"order_id": order_id})


def note_step(tx: Tx, assignment_id: uuid.UUID, *, column: str, at: datetime) -> None:
    """Set a step's time once; the first one stays."""
    tx.execute(_NOTE_STEP[column], {"assignment_id": assignment_id, "at": at})


def begin_pickup(tx: Tx, assignment_id: uuid.UUID, *, at: datetime | None) -> None:
    """Note that the pickup is under way, or with None that it is not. The delivery must be locked."""
    tx.execute(_BEGIN_PICKUP, {"assignment_id": assignment_id, "at": at})


def record_proof(tx: Tx, assignment_id: uuid.UUID, *, kind: str, media_id: uuid.UUID | None) -> None:
    """Set what proves a delivery that is not on record yet; the proof of one that is stays."""
    tx.execute(_RECORD_PROOF, {"assignment_id": assignment_id, "kind": kind, "media_id": media_id})


def of_order(tx: Tx, order_id: uuid.UUID) -> list[Assignment]:
    """Return everybody who ever had an order, oldest first."""
    return tx.execute(_OF_ORDER, {"order_id": order_id}).all()
