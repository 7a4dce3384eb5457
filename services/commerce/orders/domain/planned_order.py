"""Orders and their lines before they are written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.commerce.orders.domain.order_state import LineStatus

if TYPE_CHECKING:
    from services.commerce.cart.domain.delivery import Address, ShippingLine
    from services.commerce.cart.domain.purchase import ItemToBuy
    from services.commerce.cart.domain.quote import QuotedItem


@dataclass
class PlannedLine:
    """A line before it is written: a row of order_line_items."""

    id: uuid.UUID
    order_id: uuid.UUID
    position: int
    cart_item_id: uuid.UUID
    product_id: uuid.UUID
    product_name: str
    sku: str
    category: str
    classification: str
    strain: str
    unit: str
    moq: int
    max_qty: int
    qty: int
    unit_price_cents: int
    discount_cents: int
    line_subtotal_cents: int
    total_cents: int
    applied_min_qty: int | None
    applied_percent: str | None
    status: str
    notes: str
    warnings: list[str]
    thumbnail_media_id: uuid.UUID | None
    attribution: dict[str, object] | None = None
    attributed_ad_id: uuid.UUID | None = None


@dataclass
class PlannedOrder:
    """An order before it is written: its row without what the database sets, and what is announced of it beside."""

    id: uuid.UUID
    cart_id: uuid.UUID
    checkout_group_id: uuid.UUID
    buyer_store_id: uuid.UUID
    buyer_store_name: str
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    currency: str
    shipping_address: Address
    status: str
    payment_status: str
    payment_method: str
    payment_intent_id: uuid.UUID
    promo: str
    promo_cents: int
    subtotal_cents: int
    discount_cents: int
    transport_fee_cents: int
    total_cents: int
    balance_due_cents: int
    notes: str
    warnings: list[str]
    shipping_line: ShippingLine | None
    hold_reason: str | None = None
    fulfillment_status: str = "pending"
    shipping_status: str = "pending"
    tax_cents: int = 0
    version: int = 1
    retry_of: uuid.UUID | None = None
    attribution: dict[str, object] | None = None
    attributed_ad_id: uuid.UUID | None = None
    # Set when the order is written.
    order_number: int = 0
    created_at: datetime | None = None
    fulfilled_at: datetime | None = None
    picked_up_at: datetime | None = None
    picked_up_by: uuid.UUID | None = None
    delivered_at: datetime | None = None
    delivered_by: uuid.UUID | None = None
    canceled_at: datetime | None = None
    expired_at: datetime | None = None
    refund_status: str = "none"
    refunded_cents: int = 0
    credited_cents: int = 0
    internal_notes: str = ""
    vendor_paid_at: datetime | None = None
    payout_returned_at: datetime | None = None


def planned_line(
    item: ItemToBuy | QuotedItem,
    *,
    line_id: uuid.UUID,
    order_id: uuid.UUID,
    cart_item_id: uuid.UUID,
    position: int,
    refused: str | None = None,
) -> PlannedLine:
    """Return the order line that a quoted item becomes; `refused` is why its stock cannot be had."""
    return PlannedLine(
        id=line_id,
        order_id=order_id,
        position=position,
        cart_item_id=cart_item_id,
        product_id=item.product_id,
        product_name=item.title,
        sku=item.sku,
        category=item.category,
        classification=item.classification,
        strain=item.strain,
        unit=item.unit,
        moq=item.moq,
        max_qty=item.max_qty,
        qty=item.quantity,
        unit_price_cents=item.unit_price_cents,
        discount_cents=item.line_discounts_cents,
        line_subtotal_cents=item.line_subtotal_cents,
        total_cents=item.line_total_cents,
        applied_min_qty=item.applied_min_qty,
        applied_percent=item.applied_percent,
        status=(LineStatus.PENDING if refused is None else LineStatus.REJECTED).value,
        notes=refused or "",
        warnings=item.warnings,
        thumbnail_media_id=item.thumbnail_media_id,
    )
