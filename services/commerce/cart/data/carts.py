"""SQL about carts. Lock order: buyer's gate, cart, attempt."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.commerce.cart.domain.delivery import Address, QuotedDelivery
from services.commerce.cart.domain.purchase import CartToBuy, ItemToBuy
from services.commerce.schema.cart import cart_items, cart_vendor_groups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.delivery import Delivery
    from services.commerce.cart.domain.quote import Quote


class StoredPromoWarning(TypedDict):
    """A code that changed nothing, and why."""

    vendor_store_id: str
    code: str
    reason: str


class Cart(NamedTuple):
    """A cart without what is in it."""

    id: uuid.UUID
    buyer_store_id: uuid.UUID
    status: str
    checkout_group_id: uuid.UUID | None
    currency: str
    valid_until: datetime
    subtotal_cents: int
    discounts_cents: int
    total_cents: int
    attribution_tokens: list[str]
    quote_version: str | None
    promo_warnings: list[StoredPromoWarning]
    shipping_address: Address | None
    billing_address: Address | None
    tip_cents: int | None
    created_at: datetime


class CartItem(NamedTuple):
    """A line of a cart."""

    id: uuid.UUID
    product_id: uuid.UUID
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    title: str
    unit: str
    quantity: int
    moq: int
    max_qty: int
    unit_price_cents: int
    effective_unit_price_cents: int
    line_subtotal_cents: int
    line_discounts_cents: int
    line_total_cents: int
    applied_min_qty: int | None
    applied_percent: str | None
    status: str
    warnings: list[str]
    thumbnail_media_id: uuid.UUID | None


class CartGroup(NamedTuple):
    """One vendor's part of a cart."""

    vendor_store_id: uuid.UUID
    vendor_store_name: str
    status: str
    warnings: list[str]
    promo: str
    subtotal_cents: int
    line_discounts_cents: int
    promo_discount_cents: int
    discounts_cents: int
    total_cents: int


class ActiveCart(NamedTuple):
    """A buyer's locked active cart, with what the buyer said of the delivery so far."""

    id: uuid.UUID
    shipping_address: Address | None
    billing_address: Address | None
    tip_cents: int | None

    @property
    def delivery(self) -> QuotedDelivery:
        """Return what the buyer said of the delivery."""
        return QuotedDelivery(self.shipping_address, self.billing_address, self.tip_cents)


class Price(NamedTuple):
    """What a unit of a product costs in a quote."""

    product_id: uuid.UUID
    unit_price_cents: int


_ACTIVE = sql(
    "SELECT {columns} FROM cart_records WHERE buyer_store_id = :buyer AND status = 'active' FOR UPDATE", ActiveCart
)
_SUPERSEDE = sql(
    "UPDATE cart_records SET status = 'superseded', updated_at = :now WHERE id = :id AND status = 'active'"
)
# A cart that is bought is what its orders' address and notes are read from: it never changes.
_SAVE = sql(
    """
    INSERT INTO cart_records (id, buyer_store_id, status, currency, valid_until, subtotal_cents, discounts_cents,
                              total_cents, attribution_tokens, quote_version, promo_warnings, shipping_address,
                              billing_address, tip_cents, created_at, updated_at)
    VALUES (:id, :buyer, 'active', :currency, :valid_until, :subtotal, :discounts, :total, CAST(:tokens AS jsonb),
            :quote_version, CAST(:promo_warnings AS jsonb), CAST(:shipping_address AS jsonb),
            CAST(:billing_address AS jsonb), :tip_cents, :now, :now)
    ON CONFLICT ON CONSTRAINT cart_records_pk DO UPDATE SET valid_until = excluded.valid_until,
        subtotal_cents = excluded.subtotal_cents, discounts_cents = excluded.discounts_cents,
        total_cents = excluded.total_cents, attribution_tokens = excluded.attribution_tokens,
        quote_version = excluded.quote_version, promo_warnings = excluded.promo_warnings,
        shipping_address = excluded.shipping_address, billing_address = excluded.billing_address,
        tip_cents = excluded.tip_cents, updated_at = excluded.updated_at
    WHERE cart_records.status = 'active'
    RETURNING {columns}
    """,
    Cart,
)
_CLEAR = sql(
    "WITH items AS (DELETE FROM cart_items WHERE cart_id = :id) DELETE FROM cart_vendor_groups WHERE cart_id = :id"
)
_CONTENT = [
    insert_rows(
        table,
        [column.name for column in table.c if column.name != "cart_id"],
        constants={"cart_id": ":cart_id"},
        rows=table.name,
    )
    for table in (cart_items, cart_vendor_groups)
]
_ADD_CONTENT = sql(f"WITH items AS ({_CONTENT[0]}) {_CONTENT[1]}")
_FIND_ACTIVE = sql("SELECT {columns} FROM cart_records WHERE buyer_store_id = :buyer AND status = 'active'", Cart)
_ITEMS = sql("SELECT {columns} FROM cart_items WHERE cart_id = :id ORDER BY position", CartItem)
_GROUPS = sql("SELECT {columns} FROM cart_vendor_groups WHERE cart_id = :id ORDER BY position", CartGroup)
_PRICES = sql(
    "SELECT {i.columns} FROM cart_items i JOIN cart_records c ON c.id = i.cart_id"
    " WHERE c.buyer_store_id = :buyer AND c.status = 'active' AND i.unit_price_cents > 0",
    Price,
)
_LOCK_TO_BUY = sql(
    """
    SELECT c.status, c.currency, c.valid_until, c.attribution_tokens, c.quote_version, c.total_cents, c.tip_cents,
           g.name AS buyer_store_name, g.kyc_status, g.state AS buyer_state
    FROM cart_records c LEFT JOIN store_gates g ON g.store_id = c.buyer_store_id
    WHERE c.id = :id AND c.buyer_store_id = :buyer FOR UPDATE OF c
    """,
    CartToBuy,
)
# A vendor that identity has not announced has a gate without a type, which lets nobody buy.
_TO_BUY = sql(
    """
    SELECT i.id, i.position, i.product_id, i.vendor_store_id, i.vendor_store_name, i.sku, i.title, i.category,
           i.classification, i.strain, i.unit, i.quantity, i.moq, i.max_qty, i.unit_price_cents, i.line_subtotal_cents,
           i.line_discounts_cents, i.line_total_cents, i.applied_min_qty, i.applied_percent, i.warnings,
           i.thumbnail_media_id, v.promo, v.promo_cents, v.warnings AS group_warnings,
           coalesce(g.type, '') AS vendor_type, coalesce(g.state, '') AS vendor_state,
           coalesce(g.kyc_status, '') AS vendor_kyc_status,
           coalesce(g.subscription_active, false) AS vendor_subscription_active
    FROM cart_items i
    JOIN cart_vendor_groups v ON v.cart_id = i.cart_id AND v.vendor_store_id = i.vendor_store_id
    LEFT JOIN store_gates g ON g.store_id = i.vendor_store_id
    WHERE i.cart_id = :id AND i.status = 'ok' ORDER BY v.position, i.position
    """,
    ItemToBuy,
)
_CONVERT = sql(
    """
    UPDATE cart_records SET status = 'converted', checkout_group_id = :group_id, payment_method = :payment_method,
        shipping_address = CAST(:shipping_address AS jsonb), billing_address = CAST(:billing_address AS jsonb),
        shipping_line = CAST(:shipping_line AS jsonb), tip_cents = :tip_cents, notes = :notes, converted_at = :now,
        updated_at = :now
    WHERE id = :id AND status = 'active'
    """
)


def lock_active(tx: Tx, buyer_store_id: uuid.UUID) -> ActiveCart | None:
    """Return a buyer's active cart, or None; it cannot change until commit."""
    return tx.execute(_ACTIVE, {"buyer": buyer_store_id}).one_or_none()


def supersede(tx: Tx, cart_id: uuid.UUID) -> None:
    """Retire a cart whose checkout never finished: it is not active any more and cannot be bought."""
    tx.execute(_SUPERSEDE, {"id": cart_id, "now": tx.now})


def save(
    tx: Tx,
    *,
    cart_id: uuid.UUID,
    buyer_store_id: uuid.UUID,
    currency: str,
    valid_until: datetime,
    quote: Quote,
    tokens: list[str],
    delivery: QuotedDelivery,
    item_ids: Sequence[uuid.UUID],
) -> Cart:
    """Put a quote into the cart, in place of what was in it; returns the cart. `item_ids` as `quote.items`."""
    cart = tx.execute(
        _SAVE,
        {
            "id": cart_id,
            "buyer": buyer_store_id,
            "currency": currency,
            "valid_until": valid_until,
            "subtotal": quote.subtotal_cents,
            "discounts": quote.discounts_cents,
            "total": quote.total_cents,
            "tokens": json.dumps(tokens),
            "quote_version": quote.version,
            "promo_warnings": to_json(asdict(warning) for warning in quote.promo_warnings),
            "shipping_address": _document(delivery.shipping_address),
            "billing_address": _document(delivery.billing_address),
            "tip_cents": delivery.tip_cents,
            "now": tx.now,
        },
    ).one()
    tx.execute(_CLEAR, {"id": cart_id})
    items = ({**vars(item), "id": item_id} for item, item_id in zip(quote.items, item_ids, strict=True))
    groups = map(vars, quote.groups)
    tx.execute(_ADD_CONTENT, {"cart_id": cart_id, "cart_items": to_json(items), "cart_vendor_groups": to_json(groups)})
    return cart


def find_active(tx: Tx, buyer_store_id: uuid.UUID) -> tuple[Cart, list[CartItem], list[CartGroup]] | None:
    """Return a buyer's active cart with its items and groups, or None."""
    cart = tx.execute(_FIND_ACTIVE, {"buyer": buyer_store_id}).one_or_none()
    if cart is None:
        return None
    return cart, tx.execute(_ITEMS, {"id": cart.id}).all(), tx.execute(_GROUPS, {"id": cart.id}).all()


def active_prices(tx: Tx, buyer_store_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return the unit prices that the buyer's active quote shows, by product."""
    return {price.product_id: price.unit_price_cents for price in tx.execute(_PRICES, {"buyer": buyer_store_id})}


def lock_to_buy(tx: Tx, cart_id: uuid.UUID, buyer_store_id: uuid.UUID) -> CartToBuy | None:
    """Return a buyer's cart with the buyer's gate, or None; the cart cannot change until commit."""
    return tx.execute(_LOCK_TO_BUY, {"id": cart_id, "buyer": buyer_store_id}).one_or_none()


def items_to_buy(tx: Tx, cart_id: uuid.UUID) -> list[ItemToBuy]:
    """Return what a checkout buys, in a fixed order: the ok items with their group's promo and their vendor's gate now."""
    return tx.execute(_TO_BUY, {"id": cart_id}).all()


def convert(tx: Tx, cart_id: uuid.UUID, *, group_id: uuid.UUID, delivery: Delivery) -> bool:
    """Convert an active cart; False when it is not active any more."""
    parameters = {
        "id": cart_id,
        "group_id": group_id,
        "payment_method": delivery.payment_method,
        "shipping_address": json.dumps(delivery.shipping_address),
        "billing_address": json.dumps(delivery.billing_address),
        "shipping_line": json.dumps(delivery.shipping_line),
        "tip_cents": delivery.tip_cents,
        "notes": delivery.notes,
        "now": tx.now,
    }
    return tx.execute(_CONVERT, parameters).rowcount == 1


def _document(value: Mapping[str, object] | None) -> str | None:
    return None if value is None else json.dumps(value)
