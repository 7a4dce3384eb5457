"""SQL about carts. Lock order: buyer's gate, cart, attempt."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.commerce.schema.cart import cart_items, cart_vendor_groups

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.quote import Quote

_ACTIVE = sql(
    "SELECT id, shipping_address, billing_address, tip_cents FROM cart_records"
    " WHERE buyer_store_id = :buyer AND status = 'active' FOR UPDATE"
)
_SUPERSEDE = sql("UPDATE cart_records SET status = 'superseded', updated_at = :now WHERE id = :id")
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
    RETURNING *
    """
)
_CLEAR = sql(
    "WITH items AS (DELETE FROM cart_items WHERE cart_id = :id) DELETE FROM cart_vendor_groups WHERE cart_id = :id"
)
_CONTENT = [
    insert_rows(
        table,
        [column.name for column in table.c if column.name != "cart_id"],
        constants="cart_id = :cart_id",
        rows=table.name,
    )
    for table in (cart_items, cart_vendor_groups)
]
_ADD_CONTENT = sql(f"WITH items AS ({_CONTENT[0]}) {_CONTENT[1]}")
_FIND_ACTIVE = sql("SELECT * FROM cart_records WHERE buyer_store_id = :buyer AND status = 'active'")
_ITEMS = sql("SELECT * FROM cart_items WHERE cart_id = :id ORDER BY position")
_GROUPS = sql("SELECT * FROM cart_vendor_groups WHERE cart_id = :id ORDER BY position")
_PRICES = sql(
    "SELECT i.product_id, i.unit_price_cents FROM cart_items i JOIN cart_records c ON c.id = i.cart_id"
    " WHERE c.buyer_store_id = :buyer AND c.status = 'active' AND i.unit_price_cents > 0"
)
_LOCK_FOR_CHECKOUT = sql(
    """
    SELECT c.status, c.currency, c.valid_until, c.attribution_tokens, c.quote_version, c.total_cents, c.tip_cents,
           g.name AS buyer_store_name, g.kyc_status, g.state AS buyer_state
    FROM cart_records c LEFT JOIN store_gates g ON g.store_id = c.buyer_store_id
    WHERE c.id = :id AND c.buyer_store_id = :buyer FOR UPDATE OF c
    """
)
_SNAPSHOT = sql(
    """
    SELECT i.*, v.promo, v.promo_cents, v.warnings AS group_warnings, g.type AS vendor_type, g.state AS vendor_state,
           g.kyc_status AS vendor_kyc_status, g.subscription_active AS vendor_subscription_active
    FROM cart_items i
    JOIN cart_vendor_groups v ON v.cart_id = i.cart_id AND v.vendor_store_id = i.vendor_store_id
    LEFT JOIN store_gates g ON g.store_id = i.vendor_store_id
    WHERE i.cart_id = :id AND i.status = 'ok' ORDER BY v.position, i.position
    """
)
_CONVERT = sql(
    """
    UPDATE cart_records SET status = 'converted', checkout_group_id = :group_id, payment_method = :payment_method,
        shipping_address = CAST(:shipping_address AS jsonb), billing_address = CAST(:billing_address AS jsonb),
        shipping_line = CAST(:shipping_line AS jsonb), tip_cents = :tip_cents, converted_at = :now, updated_at = :now
    WHERE id = :id AND status = 'active'
    """
)


def lock_active(tx: Tx, buyer_store_id: uuid.UUID) -> Any | None:
    """Return a buyer's active cart, its id, addresses and tip, and keep it from changing until commit, or None."""
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
    delivery: Mapping[str, Any],
    item_ids: Sequence[uuid.UUID],
) -> Any:
    """Put a quote into the cart, in place of what was in it; returns the cart's row. `item_ids` as `quote.items`.

    `delivery` has `shipping_address`, `billing_address` and `tip_cents`, each None when nobody gave it.
    """
    row = tx.execute(
        _SAVE,
        {
            "id": cart_id,
            "buyer": buyer_store_id,
            "currency": currency,
            "valid_until": valid_until,
            "subtotal": quote.subtotal_cents,
            "discounts": quote.discounts_cents,
            "total": quote.total_cents,
            "tokens": to_json(tokens),  # type: ignore[arg-type]
            "quote_version": quote.version,
            "promo_warnings": to_json(asdict(warning) for warning in quote.promo_warnings),
            "shipping_address": _document(delivery["shipping_address"]),
            "billing_address": _document(delivery["billing_address"]),
            "tip_cents": delivery["tip_cents"],
            "now": tx.now,
        },
    ).one()
    tx.execute(_CLEAR, {"id": cart_id})
    items = ({**vars(item), "id": item_id} for item, item_id in zip(quote.items, item_ids, strict=True))
    groups = map(vars, quote.groups)
    tx.execute(_ADD_CONTENT, {"cart_id": cart_id, "cart_items": to_json(items), "cart_vendor_groups": to_json(groups)})
    return row


def find_active(tx: Tx, buyer_store_id: uuid.UUID) -> tuple[Any, Sequence[Any], Sequence[Any]] | None:
    """Return a buyer's active cart with its items and groups, or None."""
    cart = tx.execute(_FIND_ACTIVE, {"buyer": buyer_store_id}).one_or_none()
    if cart is None:
        return None
    return cart, tx.execute(_ITEMS, {"id": cart.id}).all(), tx.execute(_GROUPS, {"id": cart.id}).all()


def active_prices(tx: Tx, buyer_store_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return the unit prices that the buyer's active quote shows, by product."""
    return {row.product_id: row.unit_price_cents for row in tx.execute(_PRICES, {"buyer": buyer_store_id})}


def lock_for_checkout(tx: Tx, cart_id: uuid.UUID, buyer_store_id: uuid.UUID) -> Any | None:
    """Return a buyer's cart with the buyer's gate, and keep it from changing until commit, or None."""
    return tx.execute(_LOCK_FOR_CHECKOUT, {"id": cart_id, "buyer": buyer_store_id}).one_or_none()


def snapshot(tx: Tx, cart_id: uuid.UUID) -> Sequence[Any]:
    """Return what a checkout buys, in a fixed order: the ok items with their group's promo and their vendor's gate now."""
    rows: Sequence[Any] = tx.execute(_SNAPSHOT, {"id": cart_id}).all()
    return rows


def convert(tx: Tx, cart_id: uuid.UUID, **columns: Any) -> bool:
    """Convert an active cart; False when it is not active any more."""
    converted: bool = tx.execute(_CONVERT, {"id": cart_id, "now": tx.now, **columns}).rowcount == 1
    return converted


def _document(value: Any | None) -> str | None:
    return None if value is None else json.dumps(value)
