"""Last step of a checkout: the cart becomes orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.cart.domain.delivery import Delivery, shipping_place
from services.commerce.cart.usecases.close_cart import close_cart
from services.commerce.checkout.domain.order_plan import Checkout, OrderTerms, plan_orders
from services.commerce.orders.domain.order_state import LineStatus
from services.commerce.orders.usecases.place_orders import place_orders

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from meshkit.db.tx import Tx
    from services.commerce.checkout.usecases.begin_checkout import CheckoutTerms
    from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder


@dataclass(frozen=True)
class ConvertedCart:
    """The orders of a checkout with their lines, in the order of the cart."""

    checkout: Checkout
    orders: list[tuple[PlannedOrder, list[PlannedLine]]]


def convert_cart(
    tx: Tx, checkout: Checkout, *, terms: CheckoutTerms, refused: Mapping[uuid.UUID, str]
) -> ConvertedCart | None:
    """Convert the cart, write its orders and announce them; None when the cart is not active any more."""
    delivery = Delivery(
        payment_method=terms.payment_method,
        shipping_address=terms.shipping_address,
        billing_address=terms.billing_address,
        shipping_line=terms.shipping_line,
        tip_cents=checkout.tip_cents,
        notes=terms.notes,
    )
    if not close_cart(tx, cart_id=checkout.cart_id, group_id=checkout.checkout_group_id, delivery=delivery):
        return None
    shared = OrderTerms(terms.payment_method, terms.shipping_address, terms.shipping_line, terms.notes)
    plans = plan_orders(checkout, refused, shared)
    place_orders(tx, plans)
    _announce(tx, checkout, terms, plans)
    tx.audit(target=checkout.cart_id, after={"checkout_group_id": str(checkout.checkout_group_id)})
    return ConvertedCart(checkout, plans)


def _announce(
    tx: Tx, checkout: Checkout, terms: CheckoutTerms, plans: list[tuple[PlannedOrder, list[PlannedLine]]]
) -> None:
    event = events.CheckoutConverted(
        checkout_group_id=str(checkout.checkout_group_id),
        cart_id=str(checkout.cart_id),
        buyer_store_id=str(checkout.buyer_store_id),
        order_ids=[str(order.id) for order, _ in plans],
        vendor_store_ids=[str(order.vendor_store_id) for order, _ in plans],
        currency=checkout.currency,
        subtotal_cents=sum(order.subtotal_cents for order, _ in plans),
        discounts_cents=sum(order.discount_cents for order, _ in plans),
        tax_cents=sum(order.tax_cents for order, _ in plans),
        transport_fee_cents=sum(order.transport_fee_cents for order, _ in plans),
        total_cents=sum(order.total_cents for order, _ in plans),
        tip_cents=checkout.tip_cents,
        orders=[_order(order) for order, _ in plans],
        **shipping_place(terms.shipping_address),
        payment_method=terms.payment_method,
        attribution_tokens=checkout.attribution_tokens,
        items=[_item(line) for _, lines in plans for line in lines if line.status != LineStatus.REJECTED],
    )
    event.converted_at.FromDatetime(tx.now)
    tx.emit(event)


def _order(order: PlannedOrder) -> events.ConvertedOrder:
    return events.ConvertedOrder(
        order_id=str(order.id),
        vendor_store_id=str(order.vendor_store_id),
        status=order.status,
        subtotal_cents=order.subtotal_cents,
        discounts_cents=order.discount_cents,
        tax_cents=order.tax_cents,
        transport_fee_cents=order.transport_fee_cents,
        total_cents=order.total_cents,
    )


def _item(line: PlannedLine) -> events.ConvertedItem:
    return events.ConvertedItem(
        line_item_id=str(line.id),
        order_id=str(line.order_id),
        product_id=str(line.product_id),
        qty=line.qty,
        total_cents=line.total_cents,
    )
