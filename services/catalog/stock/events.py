"""What catalog does when others report something: orders move stock, stores open and close their shops."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.events.registry import Consumer
from services.catalog.stock.usecases.follow_order import follow_order
from services.catalog.stock.usecases.keep_orders import NewOrder, keep_orders
from services.catalog.store_gates.domain.visibility import Gate
from services.catalog.store_gates.usecases.update_store_gate import update_store_gate

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
    stores = Consumer("catalog", "identity.store.v1").on(identity.StoreGateChanged, store_gate_changed)
    return orders, stores


def orders_created(tx: Tx, events: list[commerce.OrderCreated]) -> list[commerce.OrderCreated]:
    """Make the stock of new orders durable; returns those about which there is more to do."""
    orders = [
        NewOrder(
            order_id=uuid.UUID(event.order.order_id),
            status=event.order.status,
            line_statuses={uuid.UUID(line.line_item_id): line.status for line in event.order.lines},
        )
        for event in events
    ]
    settled = keep_orders(tx, orders)
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


def store_gate_changed(tx: Tx, event: identity.StoreGateChanged) -> None:
    """Open or close a store's shop window."""
    gate = Gate(
        type=event.type,
        state=event.state,
        kyc_status=event.kyc_status,
        subscription_active=event.subscription_active,
    )
    update_store_gate(
        tx,
        store_id=uuid.UUID(event.store_id),
        name=event.name,
        gate=gate,
        version=event.version,
        changed_at=event.changed_at.ToDatetime(UTC) if event.HasField("changed_at") else None,
        logo_media_id=uuid.UUID(event.logo_media_id) if event.logo_media_id else None,
    )
