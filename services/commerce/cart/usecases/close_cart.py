"""A cart that is bought keeps what the buyer said at checkout, and never changes again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import carts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.delivery import Delivery


def close_cart(tx: Tx, *, cart_id: uuid.UUID, group_id: uuid.UUID, delivery: Delivery) -> bool:
    """Mark a cart as bought; returns whether it was still active."""
    return carts.convert(tx, cart_id, group_id=group_id, delivery=delivery)
