"""Orders as commerce's events tell them."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime
from typing import Any

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce

_numbers = itertools.count(1001)


def order_snapshot(**changes: Any) -> commerce.OrderSnapshot:
    """Return a new cash order of 123.45 USD between two stores of its own, with changes."""
    fields = {
        "order_id": str(uuid.uuid4()),
        "order_number": next(_numbers),
        "checkout_group_id": str(uuid.uuid4()),
        "buyer_store_id": str(uuid.uuid4()),
        "buyer_store_name": "Corner Store",
        "vendor_store_id": str(uuid.uuid4()),
        "vendor_store_name": "Green Farm",
        "status": "created_pending",
        "fulfillment_status": "pending",
        "shipping_status": "pending",
        "payment_method": "cash",
        "payment_intent_id": str(uuid.uuid4()),
        "currency": "USD",
        "subtotal_cents": 12_345,
        "total_cents": 12_345,
        "balance_due_cents": 12_345,
        "shipping_zip": "74103",
        "shipping_lat": 36.154,
        "shipping_lng": -95.993,
        "shipping_state": "OK",
        "version": 1,
    }
    order = commerce.OrderSnapshot(**{**fields, **changes})
    if not order.HasField("created_at"):
        order.created_at.FromDatetime(datetime(2026, 3, 2, 15, 30, tzinfo=UTC))
    return order


def later(order: commerce.OrderSnapshot, **changes: Any) -> commerce.OrderSnapshot:
    """Return the order's next version."""
    copy = commerce.OrderSnapshot()
    copy.CopyFrom(order)
    copy.MergeFrom(commerce.OrderSnapshot(**{"version": order.version + 1, **changes}))
    return copy


def created(order: commerce.OrderSnapshot) -> commerce.OrderCreated:
    """Return the event of a new order."""
    return commerce.OrderCreated(order_id=order.order_id, order=order)


def changed(order: commerce.OrderSnapshot) -> commerce.OrderStateChanged:
    """Return the event of any later change."""
    return commerce.OrderStateChanged(order_id=order.order_id, order=order)
