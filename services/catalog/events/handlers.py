"""What catalog does when others report something: orders move stock, stores open and close their shops."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.events.registry import Consumer
from services.catalog.domain.visibility import Gate
from services.catalog.usecases.follow_order import follow_order
from services.catalog.usecases.keep_store_gate import keep_store_gate

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

    OrderEvent = commerce.OrderCreated | commerce.OrderDecided | commerce.OrderStateChanged | commerce.OrderCanceled


def consumers() -> tuple[Consumer, ...]:
    """Return catalog's consumers."""
    orders = (
        Consumer("catalog", "commerce.order.v1")
        .on(commerce.OrderCreated, order_changed)
        .on(commerce.OrderDecided, order_changed)
        .on(commerce.OrderStateChanged, order_changed)
        .on(commerce.OrderCanceled, order_changed)
    )
    stores = Consumer("catalog", "identity.store.v1").on(identity.StoreGateChanged, store_gate_changed)
    return orders, stores


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
    keep_store_gate(tx, store_id=uuid.UUID(event.store_id), name=event.name, gate=gate, version=event.version)
