"""SQL about deliveries, with the assignments that agents have of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy import Select, and_, bindparam, exists, literal_column, select, tuple_

from meshkit.cursor import Cursor
from meshkit.db.sql import compiled, sql
from services.fulfillment.delivery.domain.assignment import CALLED_OFF, DISPATCHABLE_STATES, PICKED_UP
from services.fulfillment.schema import assignments, deliveries

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.domain.order import NewDelivery, Order


class Delivery(NamedTuple):
    """A delivery with its assignment, whose columns are None while no agent has the order."""

    order_id: uuid.UUID
    order_number: int
    order_status: str
    shipping_status: str
    payment_status: str
    payment_method: str
    currency: str
    total_cents: int
    total_items: int
    buyer_store_id: uuid.UUID
    buyer_store_name: str
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    created_at: datetime
    code_failures: int
    assignment_id: uuid.UUID | None
    active: bool | None
    unassigned_at: datetime | None
    pickup_begun_at: datetime | None
    agent_user_id: uuid.UUID | None
    reason: str | None
    assigned_at: datetime | None
    pickup_time: datetime | None
    delivery_time: datetime | None
    cash_pickup_time: datetime | None
    note: str | None
    assigned_by_user_id: uuid.UUID | None
    proof_kind: str | None
    proof_media_id: uuid.UUID | None


class AgentDelivery(NamedTuple):
    """A delivery with the assignment that an agent has or had of it."""

    order_id: uuid.UUID
    order_number: int
    order_status: str
    shipping_status: str
    payment_status: str
    payment_method: str
    currency: str
    total_cents: int
    total_items: int
    buyer_store_id: uuid.UUID
    buyer_store_name: str
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    created_at: datetime
    code_failures: int
    assignment_id: uuid.UUID
    active: bool
    unassigned_at: datetime | None
    pickup_begun_at: datetime | None
    agent_user_id: uuid.UUID
    reason: str
    assigned_at: datetime
    pickup_time: datetime | None
    delivery_time: datetime | None
    cash_pickup_time: datetime | None
    note: str
    assigned_by_user_id: uuid.UUID | None
    proof_kind: str
    proof_media_id: uuid.UUID | None


AnyDelivery: TypeAlias = Delivery | AgentDelivery


class DeliveryState(NamedTuple):
    """What decides what may be done with a delivery."""

    order_status: str
    shipping_status: str
    code_issue: int
    code_failures: int


# SQLAlchemy does not know the columns of a statement that is put together; the class of its rows names them.
_Statement: TypeAlias = Select[Any]
# What is shown of a delivery, by the names of its row classes.
_SHOWN: dict[str, ColumnElement[Any]] = {
    **{column.name: column for column in assignments.c},
    **{column.name: column for column in deliveries.c},
    "assignment_id": assignments.c.id.label("assignment_id"),
}
_NOT_TAKEN_AWAY = and_(assignments.c.order_id == deliveries.c.order_id, assignments.c.unassigned_at.is_(None))


def _shown(row: type[AnyDelivery]) -> _Statement:
    return select(*(_SHOWN[name] for name in row._fields))


_WITH_ASSIGNMENT = _shown(Delivery).outerjoin(assignments, _NOT_TAKEN_AWAY)
_OF_AGENT = _shown(AgentDelivery).join(assignments, _NOT_TAKEN_AWAY)
_UPSERT = sql(
    """
    INSERT INTO deliveries (order_id, order_number, order_version, order_status, hold_reason, shipping_status,
                            payment_status, payment_method, currency, total_cents, total_items, buyer_store_id,
                            buyer_store_name, vendor_store_id, vendor_store_name, created_at)
    VALUES (:order_id, :order_number, :order_version, :order_status, :hold_reason, :shipping_status,
            :payment_status, :payment_method, :currency, :total_cents, :total_items, :buyer_store_id,
            :buyer_store_name, :vendor_store_id, :vendor_store_name, :created_at)
    ON CONFLICT ON CONSTRAINT deliveries_pk DO UPDATE
        SET order_number = excluded.order_number, order_version = excluded.order_version,
            order_status = excluded.order_status, hold_reason = excluded.hold_reason,
            shipping_status = excluded.shipping_status, payment_method = excluded.payment_method,
            currency = excluded.currency, total_cents = excluded.total_cents, total_items = excluded.total_items,
            buyer_store_id = excluded.buyer_store_id, buyer_store_name = excluded.buyer_store_name,
            vendor_store_id = excluded.vendor_store_id, vendor_store_name = excluded.vendor_store_name
        WHERE deliveries.order_version < excluded.order_version
    """
)
_CHANGE_ORDER = sql(
    """
    UPDATE deliveries
    SET order_version = :order_version, order_status = :order_status, hold_reason = :hold_reason,
        shipping_status = :shipping_status, total_cents = :total_cents
    WHERE order_id = :order_id AND order_version < :order_version
    """
)
_CHANGE_PAYMENT = sql("UPDATE deliveries SET payment_status = :payment_status WHERE order_id = :order_id")
_CALL_OFF_PAYMENT = sql(
    "UPDATE deliveries SET payment_status = 'rejected' WHERE order_id = :order_id"
    " AND order_status = ANY(CAST(:called_off AS text[])) AND payment_status NOT IN ('settled', 'paid')"
)
_LOCK = sql("SELECT {columns} FROM deliveries WHERE order_id = :order_id FOR UPDATE", DeliveryState)
_OF_BUYER = sql(
    "SELECT {columns} FROM deliveries WHERE order_id = :order_id AND buyer_store_id = :buyer_store_id", DeliveryState
)
_COUNT_CODE_FAILURE = sql("UPDATE deliveries SET code_failures = code_failures + 1 WHERE order_id = :order_id")
_ISSUE_CODE = sql("UPDATE deliveries SET code_issue = code_issue + 1, code_failures = 0 WHERE order_id = :order_id")
_FIND = compiled(_WITH_ASSIGNMENT.where(deliveries.c.order_id == bindparam("order_id")), Delivery)
_FIND_OF_AGENT = compiled(
    _OF_AGENT.where(
        deliveries.c.order_id == bindparam("order_id"), assignments.c.agent_user_id == bindparam("agent_user_id")
    ),
    AgentDelivery,
)
_FIND_EVER_OF_AGENT = compiled(
    _shown(AgentDelivery)
    .join(assignments, assignments.c.order_id == deliveries.c.order_id)
    .where(deliveries.c.order_id == bindparam("order_id"), assignments.c.agent_user_id == bindparam("agent_user_id"))
    .order_by(assignments.c.unassigned_at.desc().nulls_first(), assignments.c.assigned_at.desc())
    .limit(literal_column("1")),
    AgentDelivery,
)


def upsert(tx: Tx, new: NewDelivery) -> None:
    """Insert a delivery, or bring it to a newer version of its order; the status of its payment is left alone."""
    tx.execute(
        _UPSERT,
        {
            **_of_order(new.order),
            "order_number": new.order_number,
            "payment_status": new.payment_status,
            "payment_method": new.payment_method,
            "currency": new.currency,
            "total_items": new.total_items,
            "buyer_store_id": new.buyer_store_id,
            "buyer_store_name": new.buyer_store_name,
            "vendor_store_id": new.vendor_store_id,
            "vendor_store_name": new.vendor_store_name,
            "created_at": new.created_at,
        },
    )


def change_order(tx: Tx, order: Order) -> None:
    """Bring a delivery to a newer version of its order; an unknown delivery or an older version changes nothing."""
    tx.execute(_CHANGE_ORDER, _of_order(order))


def change_payment(tx: Tx, order_id: uuid.UUID, payment_status: str) -> None:
    """Set the status of the payment of a delivery."""
    tx.execute(_CHANGE_PAYMENT, {"order_id": order_id, "payment_status": payment_status})


def call_off_payment(tx: Tx, order_id: uuid.UUID) -> None:
    """Note that nothing will be paid for a delivery whose order was called off, unless something was."""
    tx.execute(_CALL_OFF_PAYMENT, {"order_id": order_id, "called_off": CALLED_OFF})


def lock(tx: Tx, order_id: uuid.UUID) -> DeliveryState | None:
    """Return the state of a delivery, locked until commit, or None."""
    return tx.execute(_LOCK, {"order_id": order_id}).one_or_none()


def count_code_failure(tx: Tx, order_id: uuid.UUID) -> None:
    """Count a wrong delivery code. The delivery must be locked."""
    tx.execute(_COUNT_CODE_FAILURE, {"order_id": order_id})


def issue_code(tx: Tx, order_id: uuid.UUID) -> None:
    """Give the order another delivery code, with all attempts. The delivery must be locked."""
    tx.execute(_ISSUE_CODE, {"order_id": order_id})


def find_of_buyer(tx: Tx, order_id: uuid.UUID, buyer_store_id: uuid.UUID) -> DeliveryState | None:
    """Return the state of a delivery to that buyer, or None."""
    return tx.execute(_OF_BUYER, {"order_id": order_id, "buyer_store_id": buyer_store_id}).one_or_none()


def find_with_assignment(tx: Tx, order_id: uuid.UUID) -> Delivery | None:
    """Return a delivery with its assignment's columns (None without one), or None."""
    return tx.execute(_FIND, {"order_id": order_id}).first()


def find_of_agent(tx: Tx, order_id: uuid.UUID, agent_user_id: uuid.UUID) -> AgentDelivery | None:
    """Return a delivery that is an agent's own, or None."""
    return tx.execute(_FIND_OF_AGENT, {"order_id": order_id, "agent_user_id": agent_user_id}).first()


def find_ever_of_agent(tx: Tx, order_id: uuid.UUID, agent_user_id: uuid.UUID) -> AgentDelivery | None:
    """Return a delivery with the newest assignment that an agent had of it, also one that was taken away; or None."""
    return tx.execute(_FIND_EVER_OF_AGENT, {"order_id": order_id, "agent_user_id": agent_user_id}).first()


def page_of_queue(tx: Tx, page: Page) -> list[Delivery]:
    """Return dispatchable deliveries that no agent has, newest first, one more than the page."""
    held = assignments.alias("held")
    taken = exists().where(held.c.order_id == deliveries.c.order_id, held.c.active)
    statement = _WITH_ASSIGNMENT.where(
        deliveries.c.order_status.in_(DISPATCHABLE_STATES),
        # What is on its way was given to an agent, even if that is not on record: an administrator corrects it.
        deliveries.c.shipping_status.not_in(PICKED_UP),
        deliveries.c.hold_reason != "payment_mismatch",
        ~taken,
    )
    if page.after:
        key = tuple_(deliveries.c.created_at, deliveries.c.order_id)
        statement = statement.where(key < (page.after.at, page.after.id))
    statement = statement.order_by(deliveries.c.created_at.desc(), deliveries.c.order_id.desc()).limit(page.fetch)
    return tx.fetch(statement, Delivery).all()


def page_of_agent(tx: Tx, agent_user_id: uuid.UUID, page: Page) -> list[AgentDelivery]:
    """Return an agent's active deliveries, newest assignment first, one more than the page."""
    statement = _OF_AGENT.where(assignments.c.agent_user_id == agent_user_id, assignments.c.active)
    if page.after:
        key = tuple_(assignments.c.assigned_at, assignments.c.order_id)
        statement = statement.where(key < (page.after.at, page.after.id))
    statement = statement.order_by(assignments.c.assigned_at.desc(), assignments.c.order_id.desc()).limit(page.fetch)
    return tx.fetch(statement, AgentDelivery).all()


def queue_cursor(delivery: Delivery) -> Cursor:
    """Return the sort key of the queue."""
    return Cursor(delivery.created_at, delivery.order_id)


def agent_cursor(delivery: AgentDelivery) -> Cursor:
    """Return the sort key of an agent's list."""
    return Cursor(delivery.assigned_at, delivery.order_id)


def _of_order(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "order_version": order.version,
        "order_status": order.status,
        "hold_reason": order.hold_reason,
        "shipping_status": order.shipping_status,
        "total_cents": order.total_cents,
    }
