"""The buyer empties the cart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import attempts, carts
from services.commerce.store_gates.usecases.lock_buyer import lock_buyer

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def clear_cart(tx: Tx, *, buyer_store_id: uuid.UUID) -> None:
    """Retire the active cart, if there is one; converted ones stay.

    A checkout of it that is under way finds it retired and gives its stock back; what an interrupted one reserved expires.
    """
    lock_buyer(tx, store_id=buyer_store_id)
    active = carts.lock_active(tx, buyer_store_id)
    if active is not None:
        attempts.fail(tx, active.id)
        carts.supersede(tx, active.id)
