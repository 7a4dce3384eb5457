"""Keep what the checkout of a cart answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import attempts
from services.commerce.errors import CheckoutRunning

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def finish_attempt(tx: Tx, *, cart_id: uuid.UUID, group_id: uuid.UUID, response: bytes) -> None:
    """End the checkout of a cart with its answer. Raises CheckoutRunning when another run started over with a new group."""
    if not attempts.convert(tx, cart_id=cart_id, group_id=group_id, response=response):
        # This run took so long that another one started over: nothing that this one wrote may stay.
        raise CheckoutRunning
