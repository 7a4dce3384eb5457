"""Turn events of orders into their warehouse rows (REQUIREMENTS A.9, marketplace_events)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.analytics.warehouse.data import warehouse_queue

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marketmesh.commerce.events.v1.commerce_events_pb2 import OrderSnapshot
    from meshkit.db.rows import JsonObject
    from meshkit.db.tx import Tx


def record_orders(tx: Tx, orders: Iterable[OrderSnapshot], *, event_type: str) -> None:
    """Queue the rows of order events. One per order, type and version, however often it is delivered."""
    warehouse_queue.add(tx, [_row_of_order(event_type, order, tx.now) for order in orders])


def _row_of_order(event_type: str, order: OrderSnapshot, now: datetime) -> JsonObject:
    ordered_at = order.created_at.ToDatetime(tzinfo=now.tzinfo)
    return {
        "event_id": str(derived_id("warehouse", event_type, order.order_id, order.version)),
        "event_type": event_type,
        "occurred_at": now.isoformat(),
        "order_id": order.order_id,
        "buyer_store_id": order.buyer_store_id,
        "vendor_store_id": order.vendor_store_id,
        "ordered_at": ordered_at.isoformat(),
        "order_version": order.version,
        "order_status": order.status,
        "checkout_group_id": order.checkout_group_id,
        "currency": order.currency,
        "buyer_zip": order.shipping_zip[:5],
        "buyer_lat": round(order.shipping_lat, 3),
        "buyer_lng": round(order.shipping_lng, 3),
        "subtotal_cents": order.subtotal_cents,
        "discounts_cents": order.discount_cents,
        "tax_cents": order.tax_cents,
        "transport_fee_cents": order.transport_fee_cents,
        "gross_revenue_cents": order.total_cents,
        "items": [
            {
                "product_id": line.product_id,
                "product_name": line.product_name,
                "category": line.category,
                "classification": line.classification,
                "qty": line.qty,
                "total_cents": line.total_cents,
                "status": line.status,
            }
            for line in order.lines
        ],
    }
