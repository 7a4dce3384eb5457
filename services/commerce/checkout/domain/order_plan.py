"""Turns a cart and catalog's answer into the orders of a checkout: the same input gives the same orders."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.commerce.orders.domain.order_state import LineStatus, OrderStatus, PaymentStatus
from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder, planned_line
from services.commerce.orders.domain.totals import order_totals, split_transport_fee

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.commerce.cart.domain.delivery import Address, ShippingLine
    from services.commerce.cart.domain.purchase import ItemToBuy


@dataclass(frozen=True)
class OrderTerms:
    """What a buyer says at checkout about every order."""

    payment_method: str
    shipping_address: Address
    shipping_line: ShippingLine | None
    notes: str


@dataclass(frozen=True, eq=False)
class Checkout:
    """What the orders of one checkout share, and the lines of the cart that it buys."""

    cart_id: uuid.UUID
    checkout_group_id: uuid.UUID
    buyer_store_id: uuid.UUID
    buyer_store_name: str
    currency: str
    tip_cents: int
    attribution_tokens: list[str]
    items: Sequence[ItemToBuy]
    _ids: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)

    def order_id(self, vendor_store_id: uuid.UUID) -> uuid.UUID:
        """Return the id of a vendor's order in this checkout."""
        return self._derived(vendor_store_id)

    def line_id(self, cart_item_id: uuid.UUID) -> uuid.UUID:
        """Return the id of the order line that an item becomes."""
        return self._derived(cart_item_id)

    def _derived(self, part: uuid.UUID) -> uuid.UUID:
        # Each id is needed several times, for the reservation and for the orders.
        if part not in self._ids:
            self._ids[part] = derived_id(self.checkout_group_id, part)
        return self._ids[part]


def plan_orders(
    checkout: Checkout, refused: Mapping[uuid.UUID, str], terms: OrderTerms
) -> list[tuple[PlannedOrder, list[PlannedLine]]]:
    """Return one order per vendor with its lines, in the order of the cart.

    `refused` are the lines that could not be reserved, with the reason. A vendor of whom no line is left gets a
    rejected order that costs nothing.
    """
    plans = []
    for items in _by_vendor(checkout.items):
        order_id = checkout.order_id(items[0].vendor_store_id)
        lines = [_line(checkout, order_id, item, refused) for item in items]
        plans.append((_order(checkout, order_id, items[0], terms), lines))
    _set_totals(plans, terms.shipping_line["price_cents"] if terms.shipping_line else 0)
    return plans


def _by_vendor(items: Sequence[ItemToBuy]) -> list[list[ItemToBuy]]:
    vendors: dict[uuid.UUID, list[ItemToBuy]] = {}
    for item in items:
        vendors.setdefault(item.vendor_store_id, []).append(item)
    return list(vendors.values())


def _line(checkout: Checkout, order_id: uuid.UUID, item: ItemToBuy, refused: Mapping[uuid.UUID, str]) -> PlannedLine:
    line_id = checkout.line_id(item.id)
    return planned_line(
        item,
        line_id=line_id,
        order_id=order_id,
        cart_item_id=item.id,
        position=item.position,
        refused=refused.get(line_id),
    )


def _order(checkout: Checkout, order_id: uuid.UUID, item: ItemToBuy, terms: OrderTerms) -> PlannedOrder:
    unpaid = PaymentStatus.PENDING if terms.payment_method == "ach" else PaymentStatus.UNPAID
    return PlannedOrder(
        id=order_id,
        cart_id=checkout.cart_id,
        checkout_group_id=checkout.checkout_group_id,
        buyer_store_id=checkout.buyer_store_id,
        buyer_store_name=checkout.buyer_store_name,
        vendor_store_id=item.vendor_store_id,
        vendor_store_name=item.vendor_store_name,
        currency=checkout.currency,
        shipping_address=terms.shipping_address,
        shipping_line=terms.shipping_line,
        notes=terms.notes,
        warnings=item.group_warnings,
        status=OrderStatus.CREATED_PENDING.value,
        payment_status=unpaid.value,
        payment_method=terms.payment_method,
        # Finance derives the same id, so that the answer can name it before finance has seen the order.
        payment_intent_id=derived_id("payment_intent", order_id),
        promo=item.promo,
        promo_cents=item.promo_cents,
        subtotal_cents=0,
        discount_cents=0,
        transport_fee_cents=0,
        total_cents=0,
        balance_due_cents=0,
    )


def _set_totals(plans: list[tuple[PlannedOrder, list[PlannedLine]]], shipping_cents: int) -> None:
    surviving = []
    for order, lines in plans:
        left = [line for line in lines if line.status != LineStatus.REJECTED]
        if left:
            surviving.append((order, left, order_totals(left, promo_cents=order.promo_cents, transport_fee_cents=0)))
        else:
            order.status, order.payment_status = OrderStatus.REJECTED.value, PaymentStatus.REJECTED.value
    fees = split_transport_fee(shipping_cents, [goods.total_cents for _, _, goods in surviving])
    for (order, _, goods), fee in zip(surviving, fees, strict=True):
        order.subtotal_cents, order.discount_cents = goods.subtotal_cents, goods.discount_cents
        order.transport_fee_cents = fee
        order.total_cents = order.balance_due_cents = goods.total_cents + fee
