"""Orders and their lines as they are read back."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from services.commerce.cart.domain.delivery import Address, ShippingLine
from services.commerce.orders.domain.order_state import RefundStatus, refund_status


class LockedOrder(NamedTuple):
    """What decides how an order may change, read with its lock. `held_…` is what a payment mismatch interrupted."""

    id: uuid.UUID
    status: str
    hold_reason: str | None
    held_status: str | None
    held_reason: str | None
    fulfillment_status: str
    shipping_status: str
    payment_status: str
    promo_cents: int
    tax_cents: int
    transport_fee_cents: int
    total_cents: int
    buyer_nudged_at: datetime | None
    internal_notes: str


class Order(NamedTuple):
    """One vendor's part of a checkout as it is shown: its row, what the buyer said at checkout, what others reported since."""

    id: uuid.UUID
    order_number: int
    cart_id: uuid.UUID
    checkout_group_id: uuid.UUID
    buyer_store_id: uuid.UUID
    buyer_store_name: str
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    currency: str
    shipping_address: Address
    status: str
    hold_reason: str | None
    fulfillment_status: str
    shipping_status: str
    payment_status: str
    payment_method: str
    payment_intent_id: uuid.UUID
    promo: str
    promo_cents: int
    subtotal_cents: int
    discount_cents: int
    tax_cents: int
    transport_fee_cents: int
    total_cents: int
    balance_due_cents: int
    version: int
    created_at: datetime
    fulfilled_at: datetime | None
    delivered_at: datetime | None
    canceled_at: datetime | None
    expired_at: datetime | None
    refunded_cents: int
    credited_cents: int
    vendor_paid_at: datetime | None
    payout_returned_at: datetime | None
    picked_up_at: datetime | None
    picked_up_by: uuid.UUID | None
    delivered_by: uuid.UUID | None
    retry_of: uuid.UUID | None
    attribution: dict[str, object] | None
    attributed_ad_id: uuid.UUID | None
    notes: str
    internal_notes: str
    warnings: list[str]
    shipping_line: ShippingLine | None

    @property
    def refund_status(self) -> RefundStatus:
        """Return how much of the order's money went back to its buyer."""
        return refund_status(refunded_cents=self.refunded_cents, total_cents=self.total_cents)


class Line(NamedTuple):
    """A line of an order; a row of order_line_items."""

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
    # Set on the lines that the order still had when it expired: those are what a retry buys.
    expired_at: datetime | None
    attribution: dict[str, object] | None
    attributed_ad_id: uuid.UUID | None
    warnings: list[str]
    thumbnail_media_id: uuid.UUID | None
