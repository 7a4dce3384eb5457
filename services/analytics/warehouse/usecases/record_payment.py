"""Turn events of payments into their warehouse rows (REQUIREMENTS A.9, marketplace_events)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.analytics.warehouse.data import warehouse_queue

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.db.rows import JsonObject
    from meshkit.db.tx import Tx


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
        "event_id": str(derived_id("warehouse", event_type, order_id, 0)),
        "event_type": event_type,
        "occurred_at": paid_at.isoformat(),
        "order_id": order_id,
        "buyer_store_id": buyer_store_id,
        "vendor_store_id": vendor_store_id,
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
    warehouse_queue.add(tx, [row])
