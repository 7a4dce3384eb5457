"""What commerce announces of orders: they confirm, release and consume reservations."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from meshkit.events.registry import Consumer
from services.catalog.stock.usecases.confirm_orders import NewOrder, confirm_orders
from services.catalog.stock.usecases.follow_order import follow_order

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

    OrderEvent = commerce.OrderCreated | commerce.OrderDecided | commerce.OrderStateChanged | commerce.OrderCanceled


def consumers() -> tuple[Consumer, ...]:
    """Return catalog's consumers."""
    orders = (
        Consumer("catalog", "commerce.order.v1")
        .on_batch(commerce.OrderCreated, orders_created, each=order_changed)
        .on(commerce.OrderDecided, order_changed)
        .on(commerce.OrderStateChanged, order_changed)
        .on(commerce.OrderCanceled, order_changed)
        .on(commerce.OrderExpired, order_changed)
    )
    return (orders,)


def orders_created(tx: Tx, events: list[commerce.OrderCreated]) -> list[commerce.OrderCreated]:
    """Confirm the reservations of new orders; returns those about which there is more to do."""
    orders = [
        NewOrder(
            order_id=uuid.UUID(event.order.order_id),
            status=event.order.status,
            line_statuses={uuid.UUID(line.line_item_id): line.status for line in event.order.lines},
        )
        for event in events
    ]
    settled = confirm_orders(tx, orders)
    return [event for event, order in zip(events, orders, strict=True) if order.order_id not in settled]


def order_changed(tx: Tx, event: OrderEvent) -> None:
    """Follow an order: each of its events carries the whole of it."""
    order = event.order
    follow_order(
        tx,
        order_id=uuid.UUID(order.order_id),
        order_status=order.status,
        line_statuses={uuid.UUID(line.line_item_id): line.status for line in order.lines},
    )
