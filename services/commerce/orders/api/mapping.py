"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import order_pb2
from marketmesh.type.v1 import address_pb2
from meshkit.messages import set_time

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from services.commerce.orders.domain.assignment import Assignment
    from services.commerce.orders.domain.order import Line, Order
    from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder
    from services.commerce.orders.usecases.read_order import OrderDetail


def order_message(
    order: Order | PlannedOrder, lines: Iterable[Line | PlannedLine], *, reader: uuid.UUID | None = None
) -> order_pb2.Order:
    """Return an order with its lines. Its vendor as `reader` sees the payout and its own notes too."""
    message = order_pb2.Order(
        order_id=str(order.id),
        order_number=order.order_number,
        checkout_group_id=str(order.checkout_group_id),
        cart_id=str(order.cart_id),
        buyer_store_id=str(order.buyer_store_id),
        buyer_store_name=order.buyer_store_name,
        vendor_store_id=str(order.vendor_store_id),
        vendor_store_name=order.vendor_store_name,
        status=order.status,
        hold_reason=order.hold_reason,
        fulfillment_status=order.fulfillment_status,
        shipping_status=order.shipping_status,
        payment_status=order.payment_status,
        payment_method=order.payment_method,
        payment_intent_id=str(order.payment_intent_id),
        currency=order.currency,
        subtotal_cents=order.subtotal_cents,
        discount_cents=order.discount_cents,
        tax_cents=order.tax_cents,
        transport_fee_cents=order.transport_fee_cents,
        total_cents=order.total_cents,
        balance_due_cents=order.balance_due_cents,
        shipping_address=address_pb2.Address(**order.shipping_address),
        items=[line_message(line) for line in lines],
        version=order.version,
        retry_of_order_id=str(order.retry_of or ""),
        refund_status=order.refund_status,
        refunded_cents=order.refunded_cents,
        payment_intent=_payment_intent(order),
        notes=order.notes,
        warnings=order.warnings,
        shipping_line=order_pb2.ShippingLine(**order.shipping_line) if order.shipping_line else None,
        promo=order.promo,
    )
    set_time(message.created_at, order.created_at)
    set_time(message.fulfilled_at, order.fulfilled_at)
    set_time(message.delivered_at, order.delivered_at)
    set_time(message.canceled_at, order.canceled_at)
    set_time(message.expired_at, order.expired_at)
    if reader == order.vendor_store_id:
        message.internal_notes = order.internal_notes
        set_time(message.payment_intent.vendor_paid_at, order.vendor_paid_at)
        set_time(message.vendor_paid_at, order.vendor_paid_at)
        set_time(message.payout_returned_at, order.payout_returned_at)
    return message


def _payment_intent(order: Order | PlannedOrder) -> order_pb2.OrderPaymentIntent:
    return order_pb2.OrderPaymentIntent(
        payment_intent_id=str(order.payment_intent_id),
        method=order.payment_method,
        status=order.payment_status,
        amount_cents=order.total_cents - order.credited_cents,
        currency=order.currency,
    )


def party_message(detail: OrderDetail, *, reader: uuid.UUID) -> order_pb2.Order:
    """Return an order as one of its parties sees it, with who brings it."""
    message = order_message(detail.order, detail.lines, reader=reader)
    if detail.assignment is not None:
        _set_assignment(message, detail.assignment, is_vendor=reader == detail.order.vendor_store_id)
    return message


def _set_assignment(message: order_pb2.Order, assignment: Assignment, *, is_vendor: bool) -> None:
    """Set who brings an order: for its vendor the agent and why, for its buyer only that there is one, and since when."""
    set_time(message.active_assignment.assigned_at, assignment.assigned_at)
    if is_vendor:
        message.active_assignment.agent_user_id = str(assignment.agent_user_id)
        message.active_assignment.reason = assignment.reason


def set_delivery_steps(message: order_pb2.Order, order: Order) -> order_pb2.Order:
    """Set who picked the order up and who delivered it, for another service; returns the message."""
    steps = message.delivery_steps
    steps.picked_up_by_user_id = str(order.picked_up_by or "")
    steps.delivered_by_user_id = str(order.delivered_by or "")
    set_time(steps.picked_up_at, order.picked_up_at)
    set_time(steps.delivered_at, order.delivered_at)
    return message


def line_message(line: Line | PlannedLine) -> order_pb2.OrderLineItem:
    """Return a line of an order."""
    message = order_pb2.OrderLineItem(
        line_item_id=str(line.id),
        product_id=str(line.product_id),
        product_name=line.product_name,
        category=line.category,
        unit=line.unit,
        qty=line.qty,
        unit_price_cents=line.unit_price_cents,
        discount_cents=line.discount_cents,
        line_subtotal_cents=line.line_subtotal_cents,
        total_cents=line.total_cents,
        status=line.status,
        notes=line.notes,
        sku=line.sku,
        strain=line.strain,
        classification=line.classification,
        moq=line.moq,
        max_qty=line.max_qty,
        cart_item_id=str(line.cart_item_id),
        warnings=line.warnings,
        thumbnail_media_id=str(line.thumbnail_media_id or ""),
    )
    if line.applied_min_qty is not None and line.applied_percent is not None:
        message.applied_volume_discount.min_qty = line.applied_min_qty
        message.applied_volume_discount.discount_percent = line.applied_percent
    return message
