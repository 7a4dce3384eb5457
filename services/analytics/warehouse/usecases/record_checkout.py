"""Turn a checkout into its warehouse rows: one per order, of type `checkout_converted`.

They say how carts become orders. What an order is and what it brought is counted from its own events: these rows are in no
list of orders and in no revenue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.analytics.warehouse.data import warehouse_queue

if TYPE_CHECKING:
    from marketmesh.commerce.events.v1.commerce_events_pb2 import CheckoutConverted, ConvertedOrder
    from meshkit.db.rows import JsonObject
    from meshkit.db.tx import Tx

CHECKOUT_CONVERTED = "checkout_converted"


def record_checkout(tx: Tx, event: CheckoutConverted) -> None:
    """Queue the rows of a checkout, one per order and once each. Events from before they carried orders have none."""
    warehouse_queue.add(tx, [_row(event, order, tx) for order in event.orders])


def _row(event: CheckoutConverted, order: ConvertedOrder, tx: Tx) -> JsonObject:
    converted_at = event.converted_at.ToDatetime(tzinfo=tx.now.tzinfo).isoformat()
    return {
        "event_id": str(derived_id("warehouse", CHECKOUT_CONVERTED, order.order_id)),
        "event_type": CHECKOUT_CONVERTED,
        "occurred_at": converted_at,
        "ordered_at": converted_at,
        "order_id": order.order_id,
        "order_version": 0,
        "order_status": order.status,
        "checkout_group_id": event.checkout_group_id,
        "buyer_store_id": event.buyer_store_id,
        "vendor_store_id": order.vendor_store_id,
        "currency": event.currency,
        "buyer_zip": event.shipping_zip,
        "buyer_lat": event.shipping_lat,
        "buyer_lng": event.shipping_lng,
        "subtotal_cents": order.subtotal_cents,
        "discounts_cents": order.discounts_cents,
        "tax_cents": order.tax_cents,
        "transport_fee_cents": order.transport_fee_cents,
        "gross_revenue_cents": order.total_cents,
        "items": [
            {"product_id": item.product_id, "qty": item.qty, "total_cents": item.total_cents}
            for item in event.items
            if item.order_id == order.order_id
        ],
    }
