"""First thing a checkout needs of a cart: it does not change any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import carts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.purchase import CartToBuy


def lock_cart_to_buy(tx: Tx, *, cart_id: uuid.UUID, buyer_store_id: uuid.UUID) -> CartToBuy | None:
    """Return a buyer's cart with what is known of the buyer, or None; the cart cannot change until commit."""
    return carts.lock_to_buy(tx, cart_id, buyer_store_id)
