"""An order as its events carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from meshkit.messages import set_time
from services.commerce.cart.domain.delivery import shipping_place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.commerce.orders.domain.order import Line, Order
    from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder


def order_snapshot(order: Order | PlannedOrder, *, lines: Iterable[Line | PlannedLine]) -> events.OrderSnapshot:
    """Return the snapshot of an order and its lines; of the address it has only what analytics may know."""
    snapshot = events.OrderSnapshot(
        order_id=str(order.id),
        order_number=order.order_number,
        checkout_group_id=str(order.checkout_group_id),
        buyer_store_id=str(order.buyer_store_id),
        buyer_store_name=order.buyer_store_name,
        vendor_store_id=str(order.vendor_store_id),
        vendor_store_name=order.vendor_store_name,
        status=order.status,
        hold_reason=order.hold_reason or "",
        fulfillment_status=order.fulfillment_status,
        shipping_status=order.shipping_status,
        payment_method=order.payment_method,
        payment_intent_id=str(order.payment_intent_id),
        currency=order.currency,
        subtotal_cents=order.subtotal_cents,
        discount_cents=order.discount_cents,
        tax_cents=order.tax_cents,
        transport_fee_cents=order.transport_fee_cents,
        total_cents=order.total_cents,
        balance_due_cents=order.balance_due_cents,
        **shipping_place(order.shipping_address),
        shipping_state=order.shipping_address["state"],
        lines=[_line(line) for line in lines],
        version=order.version,
        picked_up_by_user_id=str(order.picked_up_by or ""),
        delivered_by_user_id=str(order.delivered_by or ""),
    )
    set_time(snapshot.created_at, order.created_at)
    set_time(snapshot.delivered_at, order.delivered_at)
    set_time(snapshot.picked_up_at, order.picked_up_at)
    return snapshot


def _line(line: Line | PlannedLine) -> events.OrderLineSnapshot:
    return events.OrderLineSnapshot(
        line_item_id=str(line.id),
        product_id=str(line.product_id),
        product_name=line.product_name,
        category=line.category,
        classification=line.classification,
        qty=line.qty,
        unit_price_cents=line.unit_price_cents,
        total_cents=line.total_cents,
        status=line.status,
        notes=line.notes,
    )
