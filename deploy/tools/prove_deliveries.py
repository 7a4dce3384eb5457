"""What `marketmesh prove` looks at between orders, their money and the agents' records of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.call import Call
from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Mapping

    from meshkit.db.tx import Transactions

_ORDERS = sql("SELECT id, shipping_status, delivered_at IS NOT NULL AS is_delivered FROM vendor_orders")
_INTENTS = sql("SELECT order_id, status, cash_collected_at, collected_by_user_id FROM payment_intents")
_DELIVERIES = sql("SELECT order_id, payment_status FROM deliveries")
_ASSIGNMENTS = sql(
    "SELECT order_id, agent_user_id, unassigned_at, pickup_time, delivery_time, cash_pickup_time FROM order_assignments"
)
_PICKED_UP = {"in_transit", "delivered"}


def prove_deliveries(databases: Mapping[str, Transactions]) -> list[str]:
    """Return every order whose delivery says otherwise than commerce and finance."""
    records: dict[uuid.UUID, list[Any]] = {}
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


def _steps(order: Any, records: list[Any]) -> Iterator[str]:
    holders = [row for row in records if row.unassigned_at is None]
    if not holders:
        yield f"order {order.id} is {order.shipping_status}, no agent has it"
        return
    if holders[0].pickup_time is None:
        yield f"order {order.id} was picked up, its agent's record does not say so"
    if order.is_delivered and holders[0].delivery_time is None:
        yield f"order {order.id} was delivered, its agent's record does not say so"


def _money(intent: Any, delivery: Any, records: list[Any]) -> Iterator[str]:
    if delivery is not None and delivery.payment_status != intent.status:
        yield f"order {intent.order_id} is {intent.status} in finance, its delivery says {delivery.payment_status}"
    if intent.collected_by_user_id is None:
        return
    noted = [row for row in records if row.agent_user_id == intent.collected_by_user_id and row.cash_pickup_time]
    if not noted:
        yield f"cash of order {intent.order_id} is booked, its agent's record does not say so"


def _rows(transactions: Transactions, statement: Any) -> list[Any]:
    with transactions.read(Call()) as tx:
        return list(tx.execute(statement, {}).all())
