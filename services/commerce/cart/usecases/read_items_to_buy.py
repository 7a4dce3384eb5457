"""What a checkout buys of a cart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import carts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.purchase import ItemToBuy


def read_items_to_buy(tx: Tx, *, cart_id: uuid.UUID) -> list[ItemToBuy]:
    """Return the lines of a cart that can be bought, with what is known of their vendors now."""
    return carts.items_to_buy(tx, cart_id)
