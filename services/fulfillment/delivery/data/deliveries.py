"""SQL about deliveries, agents and assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from meshkit.cursor import Cursor
from services.fulfillment.delivery.domain.assignment import CALLED_OFF, DISPATCHABLE_STATES, PICKED_UP
from services.fulfillment.schema import agents, assignments, deliveries

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_STEPS = (
    assignments.c.id.label("assignment_id"),
    assignments.c.active,
    assignments.c.unassigned_at,
    assignments.c.pickup_begun_at,
    assignments.c.agent_user_id,
    assignments.c.reason,
    assignments.c.assigned_at,
    assignments.c.pickup_time,
    assignments.c.delivery_time,
    assignments.c.cash_pickup_time,
    assignments.c.note,
    assignments.c.assigned_by_user_id,
    assignments.c.proof_kind,
    assignments.c.proof_media_id,
)
_IN_TURN = (assignments.c.assigned_at, assignments.c.unassigned_at.asc().nulls_last(), assignments.c.id)
_NOT_TAKEN_AWAY = and_(assignments.c.order_id == deliveries.c.order_id, assignments.c.unassigned_at.is_(None))


def add_agent(tx: Tx, user_id: uuid.UUID) -> None:
    """Insert an active agent; again changes nothing."""
    statement = upsert(agents).values(user_id=user_id, is_active=True, created_at=tx.now)
    tx.execute(statement.on_conflict_do_nothing(constraint="agents_pk"))


def active_agents(tx: Tx) -> list[uuid.UUID]:
    """Return the ids of all active agents."""
    return list(tx.execute(select(agents.c.user_id).where(agents.c.is_active)).scalars())


def is_active_agent(tx: Tx, user_id: uuid.UUID) -> bool:
    """Return whether an active agent has that id."""
    statement = select(agents.c.user_id).where(agents.c.user_id == user_id, agents.c.is_active)
    return tx.execute(statement).first() is not None


def put(tx: Tx, **columns: Any) -> None:
    """Insert a delivery, or bring it to a newer version of its order."""
    newer = {name: value for name, value in columns.items() if name not in {"order_id", "payment_status", "created_at"}}
    statement = upsert(deliveries).values(columns)
    tx.execute(
        statement.on_conflict_do_update(
            constraint="deliveries_pk", set_=newer, where=deliveries.c.order_version < columns["order_version"]
        )
    )


def change_order(tx: Tx, order_id: uuid.UUID, *, order_version: int, **columns: Any) -> None:
    """Follow a newer version of the order; an unknown or newer one is left alone."""
    tx.execute(
        update(deliveries)
        .where(deliveries.c.order_id == order_id, deliveries.c.order_version < order_version)
        .values(order_version=order_version, **columns)
    )


def change_payment(tx: Tx, order_id: uuid.UUID, payment_status: str) -> None:
    """Follow the payment of a delivery."""
    tx.execute(update(deliveries).where(deliveries.c.order_id == order_id).values(payment_status=payment_status))


def call_off_payment(tx: Tx, order_id: uuid.UUID) -> None:
    """Note that nothing will be paid for a delivery whose order was called off, unless something was."""
    tx.execute(
        update(deliveries)
        .where(
            deliveries.c.order_id == order_id,
            deliveries.c.order_status.in_(CALLED_OFF),
            deliveries.c.payment_status.not_in(("settled", "paid")),
        )
        .values(payment_status="rejected")
    )


def lock(tx: Tx, order_id: uuid.UUID) -> Any | None:
    """Return a delivery and keep it from changing until commit, or None."""
    return tx.execute(select(deliveries).where(deliveries.c.order_id == order_id).with_for_update()).one_or_none()


def assign(
    tx: Tx,
    *,
    assignment_id: uuid.UUID,
    order_id: uuid.UUID,
    agent_user_id: uuid.UUID,
    reason: str,
    note: str,
    assigned_by_user_id: uuid.UUID | None = None,
    **steps: Any,
) -> int:
    """Take an order from whoever has it and give it to an agent; returns how often it was given. It must be locked.

    `steps` are those that were taken already.
    """
    tx.execute(
        update(assignments)
        .where(assignments.c.order_id == order_id, assignments.c.unassigned_at.is_(None))
        .values(active=False, unassigned_at=tx.now)
    )
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
    tx.execute(insert(assignments).values({**columns, **steps}))
    return int(tx.execute(select(func.count()).where(assignments.c.order_id == order_id)).scalar_one())


def finish(tx: Tx, order_id: uuid.UUID) -> None:
    """Close the active assignment of an order that is over; it stays its agent's."""
    tx.execute(update(assignments).where(assignments.c.order_id == order_id, assignments.c.active).values(active=False))


def note_step(tx: Tx, assignment_id: uuid.UUID, *, column: str, at: datetime) -> None:
    """Set a step's time once; the first one stays."""
    first = func.coalesce(assignments.c[column], at)
    tx.execute(update(assignments).where(assignments.c.id == assignment_id).values({column: first}))


def begin_pickup(tx: Tx, assignment_id: uuid.UUID, *, at: datetime | None) -> None:
    """Note that the pickup is under way, or with None that it is not. The delivery must be locked."""
    tx.execute(update(assignments).where(assignments.c.id == assignment_id).values(pickup_begun_at=at))


def keep_proof(tx: Tx, assignment_id: uuid.UUID, *, kind: str, media_id: uuid.UUID | None) -> None:
    """Set what proves a delivery that is not told yet; the proof of one that was told stays."""
    tx.execute(
        update(assignments)
        .where(assignments.c.id == assignment_id, assignments.c.delivery_time.is_(None))
        .values(proof_kind=kind, proof_media_id=media_id)
    )


def count_code_failure(tx: Tx, order_id: uuid.UUID) -> None:
    """Count a wrong delivery code. The delivery must be locked."""
    failures = deliveries.c.code_failures + 1
    tx.execute(update(deliveries).where(deliveries.c.order_id == order_id).values(code_failures=failures))


def issue_code(tx: Tx, order_id: uuid.UUID) -> None:
    """Give the order another delivery code, with all attempts. The delivery must be locked."""
    issue = deliveries.c.code_issue + 1
    tx.execute(update(deliveries).where(deliveries.c.order_id == order_id).values(code_issue=issue, code_failures=0))


def find_of_buyer(tx: Tx, order_id: uuid.UUID, buyer_store_id: uuid.UUID) -> Any | None:
    """Return a delivery to that buyer, or None."""
    statement = select(deliveries).where(
        deliveries.c.order_id == order_id, deliveries.c.buyer_store_id == buyer_store_id
    )
    return tx.execute(statement).one_or_none()


def assignments_of(tx: Tx, order_id: uuid.UUID) -> Sequence[Any]:
    """Return everybody who ever had an order, oldest first."""
    statement = select(assignments).where(assignments.c.order_id == order_id)
    rows: Sequence[Any] = tx.execute(statement.order_by(*_IN_TURN)).all()
    return rows


def find_with_assignment(tx: Tx, order_id: uuid.UUID) -> Any | None:
    """Return a delivery with its assignment's columns (None without one), or None."""
    return tx.execute(_with_assignment().where(deliveries.c.order_id == order_id)).first()


def find_of_agent(tx: Tx, order_id: uuid.UUID, agent_user_id: uuid.UUID) -> Any | None:
    """Return a delivery that is an agent's own, or None."""
    statement = _with_assignment().where(
        deliveries.c.order_id == order_id, assignments.c.agent_user_id == agent_user_id
    )
    return tx.execute(statement).first()


def find_ever_of_agent(tx: Tx, order_id: uuid.UUID, agent_user_id: uuid.UUID) -> Any | None:
    """Return a delivery with the newest assignment that an agent had of it, also one that was taken away; or None."""
    statement = (
        select(deliveries, *_STEPS)
        .join(assignments, assignments.c.order_id == deliveries.c.order_id)
        .where(deliveries.c.order_id == order_id, assignments.c.agent_user_id == agent_user_id)
        .order_by(assignments.c.unassigned_at.desc().nulls_first(), assignments.c.assigned_at.desc())
        .limit(1)
    )
    return tx.execute(statement).first()


def page_of_queue(tx: Tx, page: Page) -> Sequence[Any]:
    """Return dispatchable deliveries nobody has, newest first, one more than the page."""
    held = assignments.alias("held")
    taken = exists().where(held.c.order_id == deliveries.c.order_id, held.c.active)
    statement = _with_assignment().where(
        deliveries.c.order_status.in_(DISPATCHABLE_STATES),
        # What is on its way was given to somebody, whatever became of the record: an administrator puts it right.
        deliveries.c.shipping_status.not_in(PICKED_UP),
        deliveries.c.hold_reason != "payment_mismatch",
        ~taken,
    )
    if page.after:
        key = tuple_(deliveries.c.created_at, deliveries.c.order_id)
        statement = statement.where(key < (page.after.at, page.after.id))
    statement = statement.order_by(deliveries.c.created_at.desc(), deliveries.c.order_id.desc()).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def page_of_agent(tx: Tx, agent_user_id: uuid.UUID, page: Page) -> Sequence[Any]:
    """Return an agent's active deliveries, newest assignment first, one more than the page."""
    statement = _with_assignment().where(assignments.c.agent_user_id == agent_user_id, assignments.c.active)
    if page.after:
        key = tuple_(assignments.c.assigned_at, assignments.c.order_id)
        statement = statement.where(key < (page.after.at, page.after.id))
    statement = statement.order_by(assignments.c.assigned_at.desc(), assignments.c.order_id.desc()).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def queue_cursor(row: Any) -> Cursor:
    """Return the sort key of the queue."""
    return Cursor(row.created_at, row.order_id)


def agent_cursor(row: Any) -> Cursor:
    """Return the sort key of an agent's list."""
    return Cursor(row.assigned_at, row.order_id)


def _with_assignment() -> Select[Any]:
    return select(deliveries, *_STEPS).outerjoin(assignments, _NOT_TAKEN_AWAY)
