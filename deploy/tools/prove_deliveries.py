"""Checks of `marketmesh prove` between orders, their payments and the agents' records of their deliveries."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.call import Call
from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshkit.db.rows import R
    from meshkit.db.sql import Sql
    from meshkit.db.tx import Transactions


class ShippedOrder(NamedTuple):
    """How far an order has come, as commerce says."""

    id: uuid.UUID
    shipping_status: str
    is_delivered: bool


class CollectedIntent(NamedTuple):
    """How an order is paid, and who collected its cash, as finance says."""

    order_id: uuid.UUID
    status: str
    collected_by_user_id: uuid.UUID | None


class Delivery(NamedTuple):
    """How an order is paid, as its delivery says."""

    order_id: uuid.UUID
    payment_status: str


class Assignment(NamedTuple):
    """What an agent did with an order, and when."""

    order_id: uuid.UUID
    agent_user_id: uuid.UUID
    unassigned_at: datetime | None
    pickup_time: datetime | None
    delivery_time: datetime | None
    cash_pickup_time: datetime | None


_ORDERS = sql("SELECT id, shipping_status, delivered_at IS NOT NULL AS is_delivered FROM vendor_orders", ShippedOrder)
_INTENTS = sql(
    "SELECT i.subject_id AS order_id, i.status, c.collected_by_user_id FROM payment_intents i"
    " LEFT JOIN cash_custodies c ON c.intent_id = i.id WHERE i.subject_kind = 'order'",
    CollectedIntent,
)
_DELIVERIES = sql("SELECT {columns} FROM deliveries", Delivery)
_ASSIGNMENTS = sql("SELECT {columns} FROM order_assignments", Assignment)
_PICKED_UP = {"in_transit", "delivered"}


def prove_deliveries(databases: Mapping[str, Transactions]) -> list[str]:
    """Return every order whose delivery says otherwise than commerce and finance."""
    records: dict[uuid.UUID, list[Assignment]] = {}
    for row in _rows(databases["fulfillment"], _ASSIGNMENTS):
        records.setdefault(row.order_id, []).append(row)
    known = {row.order_id: row for row in _rows(databases["fulfillment"], _DELIVERIES)}
    problems = [
        problem
        for order in _rows(databases["commerce"], _ORDERS)
        if order.shipping_status in _PICKED_UP
        for problem in _steps(order, records.get(order.id, []))
    ]
    for intent in _rows(databases["finance"], _INTENTS):
        problems += _money(intent, known.get(intent.order_id), records.get(intent.order_id, []))
    return problems


def _steps(order: ShippedOrder, records: list[Assignment]) -> Iterator[str]:
    holders = [row for row in records if row.unassigned_at is None]
    if not holders:
        yield f"order {order.id} is {order.shipping_status}, no agent has it"
        return
    if holders[0].pickup_time is None:
        yield f"order {order.id} was picked up, its agent's record does not say so"
    if order.is_delivered and holders[0].delivery_time is None:
        yield f"order {order.id} was delivered, its agent's record does not say so"


def _money(intent: CollectedIntent, delivery: Delivery | None, records: list[Assignment]) -> Iterator[str]:
    if delivery is not None and delivery.payment_status != intent.status:
        yield f"order {intent.order_id} is {intent.status} in finance, its delivery says {delivery.payment_status}"
    if intent.collected_by_user_id is None:
        return
    noted = [row for row in records if row.agent_user_id == intent.collected_by_user_id and row.cash_pickup_time]
    if not noted:
        yield f"cash of order {intent.order_id} is booked, its agent's record does not say so"


def _rows(transactions: Transactions, statement: Sql[R]) -> list[R]:
    with transactions.read(Call()) as tx:
        return tx.execute(statement).all()
