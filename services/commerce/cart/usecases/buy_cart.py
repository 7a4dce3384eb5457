"""What a checkout needs of a cart: lock it, read what was quoted, close it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.commerce.cart.data import carts

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class Delivery:
    """How a cart is paid for and where its goods go; `shipping_line` has code, title and price_cents."""

    payment_method: str
    shipping_address: dict[str, Any]
    billing_address: dict[str, Any]
    shipping_line: dict[str, Any] | None
    tip_cents: int


def lock_for_checkout(tx: Tx, *, cart_id: uuid.UUID, buyer_store_id: uuid.UUID) -> Any | None:
    """Return a buyer's cart with what is known of the buyer, and keep it from changing until commit, or None."""
    return carts.lock_for_checkout(tx, cart_id, buyer_store_id)


def quoted_lines(tx: Tx, *, cart_id: uuid.UUID) -> Sequence[Any]:
    """Return the lines of a cart that can be bought, with what is known of their vendors now."""
    return carts.snapshot(tx, cart_id)


def close_cart(tx: Tx, *, cart_id: uuid.UUID, group_id: uuid.UUID, delivery: Delivery) -> bool:
    """Mark a cart as bought; returns whether it was still active."""
    return carts.convert(
        tx,
        cart_id,
        group_id=group_id,
        payment_method=delivery.payment_method,
        shipping_address=json.dumps(delivery.shipping_address),
        billing_address=json.dumps(delivery.billing_address),
        shipping_line=json.dumps(delivery.shipping_line),
        tip_cents=delivery.tip_cents,
    )
