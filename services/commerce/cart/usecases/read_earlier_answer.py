"""Read what a cart's checkout answered before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import attempts
from services.commerce.errors import CartNotActive

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def read_earlier_answer(tx: Tx, cart_id: uuid.UUID) -> bytes:
    """Return the answer that a converted cart was given. Raises CartNotActive when the cart is not converted."""
    attempt = attempts.find(tx, cart_id)
    if attempt is None or attempt.response is None:
        raise CartNotActive(state="superseded")
    return attempt.response
