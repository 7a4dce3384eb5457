"""Read the active quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.commerce.cart.data import carts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.cart.data.carts import Cart, CartGroup, CartItem


def read_cart(tx: Tx, *, buyer_store_id: uuid.UUID) -> tuple[Cart, list[CartItem], list[CartGroup]]:
    """Return the store's active cart with its items and groups, expired or not. Raises NotFound."""
    found = carts.find_active(tx, buyer_store_id)
    if found is None:
        raise NotFound
    return found
