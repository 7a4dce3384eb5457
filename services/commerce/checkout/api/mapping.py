"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import cart_service_pb2, order_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.commerce.checkout.usecases.convert_cart import ConvertedCart
from services.commerce.orders.api.mapping import order_message


def checkout_response(
    request: cart_service_pb2.CheckoutRequest, converted: ConvertedCart
) -> cart_service_pb2.CheckoutResponse:
    """Return the answer of a checkout."""
    checkout = converted.checkout
    has_billing = request.HasField("billing_address")
    message = cart_service_pb2.CheckoutResponse(
        checkout_group_id=str(checkout.checkout_group_id),
        cart_id=str(checkout.cart_id),
        shipping_address=request.shipping_address,
        billing_address=request.billing_address if has_billing else request.shipping_address,
        payment_method=request.payment_method,
        tip_cents=checkout.tip_cents,
        currency=checkout.currency,
    )
    if request.HasField("shipping_line"):
        message.shipping_line.CopyFrom(request.shipping_line)
    set_orders(message, (order_message(order, lines) for order, lines in converted.orders))
    return message


def set_orders(message: cart_service_pb2.CheckoutResponse, orders: Iterable[order_pb2.Order]) -> None:
    """Put orders into an answer; vendors of whom no line is left are named as rejected as well."""
    del message.vendor_orders[:]
    del message.rejected_vendors[:]
    message.vendor_orders.extend(orders)
    for order in message.vendor_orders:
        if order.status == order_pb2.OrderStatus.rejected:
            message.rejected_vendors.add(
                vendor_store_id=order.vendor_store_id,
                line_items=order.items,
                warnings=dict.fromkeys(line.notes for line in order.items if line.notes),
            )
