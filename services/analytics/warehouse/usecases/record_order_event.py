"""Turn an order's or payment's event into its warehouse row (REQUIREMENTS A.9, marketplace_events)."""

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
    row: JsonObject = {
        **_common(event_type, order.order_id, order.buyer_store_id, order.vendor_store_id, now),
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
    return _identified(row, version=order.version)


def record_payment(
    tx: Tx,
    *,
    event_type: str,
    order_id: str,
    buyer_store_id: str,
    vendor_store_id: str,
    amount_cents: int,
    currency: str,
    paid_at: datetime,
) -> None:
    """Queue the row of collected or paid-out money. One per order and type."""
    row: JsonObject = {
        **_common(event_type, order_id, buyer_store_id, vendor_store_id, paid_at),
        "ordered_at": paid_at.isoformat(),
        "order_version": 0,
        "order_status": "",
        "checkout_group_id": "",
        "currency": currency,
        "buyer_zip": "",
        "buyer_lat": 0.0,
        "buyer_lng": 0.0,
        "subtotal_cents": amount_cents,
        "discounts_cents": 0,
        "tax_cents": 0,
        "transport_fee_cents": 0,
        "gross_revenue_cents": amount_cents,
        "items": [],
    }
    warehouse_queue.add(tx, [_identified(row, version=0)])


def _common(
    event_type: str, order_id: str, buyer_store_id: str, vendor_store_id: str, occurred_at: datetime
) -> JsonObject:
    return {
        "event_type": event_type,
        "occurred_at": occurred_at.isoformat(),
        "order_id": order_id,
        "buyer_store_id": buyer_store_id,
        "vendor_store_id": vendor_store_id,
    }


def _identified(row: JsonObject, *, version: int) -> JsonObject:
    return {"event_id": str(derived_id("warehouse", row["event_type"], row["order_id"], version)), **row}
