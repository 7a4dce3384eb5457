"""What a checkout needs of a cart: lock it, read its lines, close it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import carts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.delivery import Delivery
    from services.commerce.cart.domain.purchase import CartToBuy, ItemToBuy


def lock_cart_to_buy(tx: Tx, *, cart_id: uuid.UUID, buyer_store_id: uuid.UUID) -> CartToBuy | None:
    """Return a buyer's cart with what is known of the buyer, or None; the cart cannot change until commit."""
    return carts.lock_to_buy(tx, cart_id, buyer_store_id)


def read_items_to_buy(tx: Tx, *, cart_id: uuid.UUID) -> list[ItemToBuy]:
    """Return the lines of a cart that can be bought, with what is known of their vendors now."""
    return carts.items_to_buy(tx, cart_id)


def close_cart(tx: Tx, *, cart_id: uuid.UUID, group_id: uuid.UUID, delivery: Delivery) -> bool:
    """Mark a cart as bought; returns whether it was still active."""
    return carts.convert(tx, cart_id, group_id=group_id, delivery=delivery)
