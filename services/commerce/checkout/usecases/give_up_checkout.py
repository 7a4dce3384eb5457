"""End a checkout that is under way, because its cart is quoted anew or cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.checkout.data import attempts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def give_up_checkout(tx: Tx, *, cart_id: uuid.UUID) -> uuid.UUID | None:
    """End the running checkout of a locked cart; returns the group that it reserves under, or None if none runs."""
    return attempts.fail(tx, cart_id)
