"""What a checkout sees of a cart, and by which rules it is bought."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from services.commerce.store_gates.domain.gate import Gate


@dataclass(frozen=True)
class CheckoutRules:
    """Settings of a checkout, and of the retry of an order. An attempt older than `continue_for` may have lost its stock."""

    reservation_seconds: int
    ach_enabled: bool

    @property
    def continue_for(self) -> timedelta:
        """Return how long an attempt may be continued: well inside the life of its reservations."""
        return timedelta(seconds=self.reservation_seconds * 2 // 3)


class CartToBuy(NamedTuple):
    """A locked cart with its buyer's gate; the gate's columns are None while identity has not announced the buyer."""

    status: str
    currency: str
    valid_until: datetime
    attribution_tokens: list[str]
    quote_version: str | None
    total_cents: int
    tip_cents: int | None
    buyer_store_name: str | None
    kyc_status: str | None
    buyer_state: str | None


class ItemToBuy(NamedTuple):
    """A line that can be bought, with its vendor's promo and gate; an unknown vendor's gate has no type."""

    id: uuid.UUID
    position: int
    product_id: uuid.UUID
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    sku: str
    title: str
    category: str
    classification: str
    strain: str
    unit: str
    quantity: int
    moq: int
    max_qty: int
    unit_price_cents: int
    line_subtotal_cents: int
    line_discounts_cents: int
    line_total_cents: int
    applied_min_qty: int | None
    applied_percent: str | None
    warnings: list[str]
    thumbnail_media_id: uuid.UUID | None
    promo: str
    promo_cents: int
    group_warnings: list[str]
    vendor_type: str
    vendor_state: str
    vendor_kyc_status: str
    vendor_subscription_active: bool

    @property
    def vendor(self) -> Gate:
        """Return the vendor's gate as it is now."""
        return Gate(
            self.vendor_store_id,
            self.vendor_type,
            self.vendor_store_name,
            self.vendor_state,
            self.vendor_kyc_status,
            self.vendor_subscription_active,
        )


class FinishedCheckout(NamedTuple):
    """What a checkout made, and the answer that it gave."""

    checkout_group_id: uuid.UUID
    response: bytes
