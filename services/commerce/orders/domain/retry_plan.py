"""The order that takes an expired one's place: the lines it lost, at today's prices. Pure."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit.errors import Violation
from meshkit.ids import derived_id
from services.commerce.errors import RetryRefused
from services.commerce.orders.domain.order_state import OrderStatus, PaymentStatus
from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder, planned_line
from services.commerce.orders.domain.totals import order_totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.commerce.cart.domain.quote import Quote, QuotedItem
    from services.commerce.orders.domain.order import Line, Order


def lines_to_retry(lines: Iterable[Line]) -> list[Line]:
    """Return the lines that an order still had when it expired; what was rejected before stays out."""
    return [line for line in lines if line.expired_at is not None]


def retried_order_id(group_id: uuid.UUID, expired_id: uuid.UUID) -> uuid.UUID:
    """Return the id of the new order."""
    return derived_id(group_id, expired_id)


def expired_total(expired: Order, lines: Iterable[Line]) -> int:
    """Return what the order cost, in cents, before it expired."""
    totals = order_totals(lines, promo_cents=expired.promo_cents, transport_fee_cents=expired.transport_fee_cents)
    return totals.total_cents + expired.tax_cents


def shortages(lines: Iterable[Line], quote: Quote) -> dict[uuid.UUID, str]:
    """Return why lines cannot be had as they were, by line id: gone, too few, or another least or greatest quantity."""
    priced = {item.product_id: item for item in quote.items}
    found = {}
    for line in lines:
        item = priced[line.product_id]
        if item.status != "ok":
            found[line.id] = item.warnings[-1]
        elif item.quantity != line.qty:
            found[line.id] = "below_moq" if item.quantity > line.qty else "above_max_qty"
    return found


def refusal(lines: Iterable[tuple[uuid.UUID, int, uuid.UUID]], reasons: Mapping[uuid.UUID, str]) -> RetryRefused:
    """Return the refusal that names each line (id, quantity, product) with a reason."""
    return RetryRefused(
        violations=tuple(
            Violation(f"items[{index}]", f"{quantity} of product {product_id}: {reason}", reason.upper())
            for index, (line_id, quantity, product_id) in enumerate(lines)
            if (reason := reasons.get(line_id))
        )
    )


def plan_retry(
    expired: Order, lines: Sequence[Line], quote: Quote, *, group_id: uuid.UUID
) -> tuple[PlannedOrder, list[PlannedLine]]:
    """Return the new order and its lines at the quote's prices; the same input gives the same ids."""
    order_id = retried_order_id(group_id, expired.id)
    priced = {item.product_id: item for item in quote.items}
    (group,) = quote.groups
    planned = [_line(line, priced[line.product_id], group_id, order_id) for line in lines]
    totals = order_totals(planned, promo_cents=group.promo_cents, transport_fee_cents=expired.transport_fee_cents)
    total = totals.total_cents + expired.tax_cents
    unpaid = PaymentStatus.PENDING if expired.payment_method == "ach" else PaymentStatus.UNPAID
    order = PlannedOrder(
        id=order_id,
        cart_id=expired.cart_id,
        checkout_group_id=group_id,
        retry_of=expired.id,
        buyer_store_id=expired.buyer_store_id,
        buyer_store_name=expired.buyer_store_name,
        vendor_store_id=expired.vendor_store_id,
        vendor_store_name=expired.vendor_store_name,
        currency=expired.currency,
        shipping_address=expired.shipping_address,
        shipping_line=expired.shipping_line,
        notes=expired.notes,
        payment_method=expired.payment_method,
        tax_cents=expired.tax_cents,
        attribution=expired.attribution,
        attributed_ad_id=expired.attributed_ad_id,
        status=OrderStatus.CREATED_PENDING.value,
        payment_status=unpaid.value,
        payment_intent_id=derived_id("payment_intent", order_id),
        promo=group.promo,
        promo_cents=group.promo_cents,
        warnings=group.warnings,
        subtotal_cents=totals.subtotal_cents,
        discount_cents=totals.discount_cents,
        transport_fee_cents=totals.transport_fee_cents,
        total_cents=total,
        balance_due_cents=total,
    )
    return order, planned


def _line(line: Line, item: QuotedItem, group_id: uuid.UUID, order_id: uuid.UUID) -> PlannedLine:
    planned = planned_line(
        item,
        line_id=derived_id(group_id, line.id),
        order_id=order_id,
        cart_item_id=line.cart_item_id,
        position=line.position,
    )
    planned.attribution, planned.attributed_ad_id = line.attribution, line.attributed_ad_id
    return planned
