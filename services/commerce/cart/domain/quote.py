"""The price of a cart (REQUIREMENTS A.6.2): pure arithmetic over catalog facts and store gates, no input or output."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.money import percent_of
from services.commerce.store_gates.domain.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CURRENCY = "USD"
# Ten million millions: far above any cart, and far enough below 2^63 that sums over many orders are counted exactly.
CART_MAX_CENTS = 10**15
# The contract's limit for one line.
MAX_QUANTITY = 1_000_000


@dataclass(frozen=True, slots=True)
class PromoCode:
    """A code as the buyer typed it, for one vendor's part of the cart."""

    vendor_store_id: uuid.UUID
    code: str


@dataclass(frozen=True, slots=True)
class PromoWarning:
    """A code that changes nothing; `reason` is a word of the contract's PromoWarningReason."""

    vendor_store_id: uuid.UUID
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Promo:
    """A vendor's active promo: its code as the vendor wrote it, its face value in cents."""

    code: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What the buyer wants; `position` is its first place in the request."""

    product_id: uuid.UUID
    vendor_store_id: uuid.UUID
    quantity: int
    position: int


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """A product as catalog sees it now. `tiers` are (min_qty, percent as text)."""

    product_id: uuid.UUID
    vendor_store_id: uuid.UUID
    sku: str
    title: str
    category: str
    classification: str
    strain: str
    unit: str
    moq: int
    max_qty: int
    price_cents: int
    currency: str
    is_active: bool
    available_qty: int
    tiers: tuple[tuple[int, str], ...] = ()
    thumbnail_media_id: uuid.UUID | None = None


@dataclass
class QuotedItem:
    """One line of a quote; a row of cart_items."""

    product_id: uuid.UUID
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    position: int
    quantity: int
    status: str = "ok"
    warnings: list[str] = field(default_factory=list)
    sku: str = ""
    title: str = ""
    category: str = ""
    classification: str = ""
    strain: str = ""
    unit: str = ""
    moq: int = 0
    max_qty: int = 0
    unit_price_cents: int = 0
    effective_unit_price_cents: int = 0
    line_subtotal_cents: int = 0
    line_discounts_cents: int = 0
    line_total_cents: int = 0
    applied_min_qty: int | None = None
    applied_percent: str | None = None
    thumbnail_media_id: uuid.UUID | None = None


@dataclass
class QuotedGroup:
    """One vendor's part of a quote; a row of cart_vendor_groups. `promo_cents` is the promo's face value."""

    vendor_store_id: uuid.UUID
    vendor_store_name: str
    position: int
    status: str = "ok"
    warnings: list[str] = field(default_factory=list)
    promo: str = ""
    promo_cents: int = 0
    subtotal_cents: int = 0
    line_discounts_cents: int = 0
    promo_discount_cents: int = 0
    discounts_cents: int = 0
    total_cents: int = 0


@dataclass
class Quote:
    """A priced cart. Invariant: its totals are the sums of its groups, theirs those of their ok items."""

    items: list[QuotedItem]
    groups: list[QuotedGroup]
    # Codes that changed nothing, and why.
    promo_warnings: list[PromoWarning]
    subtotal_cents: int
    discounts_cents: int
    total_cents: int

    @property
    def version(self) -> str:
        """Return a fingerprint of what would be bought and for how much: equal quotes have equal ones."""
        bought = [
            [item.product_id, item.vendor_store_id, item.quantity, item.line_subtotal_cents, item.line_total_cents]
            for item in self.items
            if item.status == "ok"
        ]
        promos = [[group.vendor_store_id, group.promo, group.promo_discount_cents] for group in self.groups]
        seen = json.dumps([CURRENCY, self.total_cents, bought, promos], default=str)
        return sha256(seen.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class QuoteFacts:
    """Everything a quote depends on besides what the buyer wants."""

    buyer: Gate
    gates: Mapping[uuid.UUID, Gate]
    products: Mapping[uuid.UUID, ProductFacts]
    # Promos that exist, by the vendor and the code that was asked for.
    promos: Mapping[PromoCode, Promo]
    # Unit prices of the quote that this one replaces, by product.
    previous_prices: Mapping[uuid.UUID, int]


def merge_intents(intents: Iterable[Intent]) -> list[Intent]:
    """Add up what is asked twice of one product and vendor, in the order of first mention."""
    merged: dict[tuple[uuid.UUID, uuid.UUID], Intent] = {}
    for intent in intents:
        key = (intent.product_id, intent.vendor_store_id)
        known = merged.get(key)
        merged[key] = Intent(*key, known.quantity + intent.quantity, known.position) if known is not None else intent
    return list(merged.values())


def price_cart(intents: Sequence[Intent], promos: Sequence[PromoCode], facts: QuoteFacts) -> Quote:
    """Price merged intents; of a vendor's codes the first that exists counts. Raises ValidationError above CART_MAX_CENTS."""
    groups: dict[uuid.UUID, QuotedGroup] = {}
    items = []
    for intent in intents:
        group = groups.get(intent.vendor_store_id)
        if group is None:
            group = groups[intent.vendor_store_id] = _group(intent.vendor_store_id, len(groups), facts)
        item = _item(intent, group, facts)
        items.append(item)
        if item.status == "ok":
            group.subtotal_cents += item.line_subtotal_cents
            group.line_discounts_cents += item.line_discounts_cents
    warnings = _apply_promos(groups, promos, facts)
    for group in groups.values():
        _close_group(group)
    quote = Quote(
        items,
        list(groups.values()),
        warnings,
        sum(group.subtotal_cents for group in groups.values()),
        sum(group.discounts_cents for group in groups.values()),
        sum(group.total_cents for group in groups.values()),
    )
    if quote.subtotal_cents > CART_MAX_CENTS:
        raise ValidationError.of("items", f"cost more than {CART_MAX_CENTS} cents together")
    return quote


def vendor_warning(vendor: Gate | None, buyer_state: str) -> str:
    """Return why a buyer may not buy from a store (A.6.1), or an empty string."""
    if vendor is None or vendor.type != "vendor":
        return "vendor_invalid"
    if vendor.kyc_status != "verified":
        return "license_invalid"
    if not vendor.subscription_active:
        return "vendor_suspended"
    return "" if vendor.state == buyer_state else "vendor_invalid"


def _group(vendor_store_id: uuid.UUID, position: int, facts: QuoteFacts) -> QuotedGroup:
    gate = facts.gates.get(vendor_store_id)
    warning = vendor_warning(gate, facts.buyer.state)
    if warning or gate is None:
        # A buyer who may not see a store does not learn its name.
        return QuotedGroup(vendor_store_id, "", position, status="invalid", warnings=[warning])
    return QuotedGroup(vendor_store_id, gate.name, position)


def _item(intent: Intent, group: QuotedGroup, facts: QuoteFacts) -> QuotedItem:
    item = QuotedItem(
        intent.product_id, intent.vendor_store_id, group.vendor_store_name, intent.position, intent.quantity
    )
    if group.status != "ok":
        return _unusable(item, "invalid", "vendor_invalid")
    product = facts.products.get(intent.product_id)
    if product is None or vendor_warning(facts.gates.get(product.vendor_store_id), facts.buyer.state):
        # A hidden vendor's product looks like a missing one.
        return _unusable(item, "invalid", "not_available")
    if product.vendor_store_id != intent.vendor_store_id:
        return _unusable(item, "invalid", "vendor_mismatch")
    if not product.is_active or product.currency != CURRENCY:
        return _unusable(item, "not_available", "not_available")
    _clamp(item, product)
    _price(item, product)
    if facts.previous_prices.get(item.product_id, item.unit_price_cents) != item.unit_price_cents:
        item.warnings.append("price_changed")
    if product.available_qty < item.quantity:
        return _unusable(item, "not_available", "not_available")
    return item


def _unusable(item: QuotedItem, status: str, warning: str) -> QuotedItem:
    item.status = status
    item.warnings.append(warning)
    return item


def _clamp(item: QuotedItem, product: ProductFacts) -> None:
    if item.quantity < product.moq:
        item.quantity = product.moq
        item.warnings.append("clamped_to_moq")
    if 0 < product.max_qty < item.quantity:
        item.quantity = product.max_qty
        item.warnings.append("clamped_to_max")


def _price(item: QuotedItem, product: ProductFacts) -> None:
    item.sku, item.title, item.category = product.sku, product.title, product.category
    item.classification, item.strain, item.unit = product.classification, product.strain, product.unit
    item.moq, item.max_qty = product.moq, product.max_qty
    item.thumbnail_media_id = product.thumbnail_media_id
    item.unit_price_cents = product.price_cents
    item.line_subtotal_cents = product.price_cents * item.quantity
    if item.line_subtotal_cents > CART_MAX_CENTS:
        raise ValidationError.of(
            f"items[{item.position}].quantity", f"times the price is more than {CART_MAX_CENTS} cents"
        )
    tier = max((tier for tier in product.tiers if tier[0] <= item.quantity), default=None)
    basis_points = 0
    if tier is not None:
        item.applied_min_qty, item.applied_percent = tier
        basis_points = int(Decimal(tier[1]) * 100)
    # Rounded once per line (K13): per unit, 10 % off 1 000 units at 5 cents would take 1 000 cents instead of 500.
    item.line_discounts_cents = percent_of(item.line_subtotal_cents, basis_points=basis_points)
    item.line_total_cents = item.line_subtotal_cents - item.line_discounts_cents
    # Only shown: it is rounded, so times the quantity it may differ from the line's total.
    item.effective_unit_price_cents = product.price_cents - percent_of(product.price_cents, basis_points=basis_points)


def _apply_promos(
    groups: Mapping[uuid.UUID, QuotedGroup], promos: Sequence[PromoCode], facts: QuoteFacts
) -> list[PromoWarning]:
    warnings = []
    for asked in promos:
        group, promo = groups.get(asked.vendor_store_id), facts.promos.get(asked)
        if group is None or group.status != "ok":
            reason = "vendor_not_in_cart"
        elif promo is None:
            reason = "unknown_code"
            group.warnings.append("invalid_promo")
        elif group.promo:
            reason = "one_code_per_vendor"
        elif group.subtotal_cents == group.line_discounts_cents:
            reason = "nothing_to_discount"
        else:
            group.promo, group.promo_cents = promo.code, promo.amount_cents
            continue
        warnings.append(PromoWarning(asked.vendor_store_id, asked.code, reason))
    return warnings


def _close_group(group: QuotedGroup) -> None:
    goods = group.subtotal_cents - group.line_discounts_cents
    group.promo_discount_cents = min(group.promo_cents, goods)
    group.discounts_cents = group.line_discounts_cents + group.promo_discount_cents
    group.total_cents = goods - group.promo_discount_cents
