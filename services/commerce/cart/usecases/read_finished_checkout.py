"""Read what a finished checkout made and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.commerce.cart.data import attempts

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.cart.domain.purchase import FinishedCheckout


def read_finished_checkout(tx: Tx, *, cart_or_group_id: uuid.UUID, buyer_store_id: uuid.UUID) -> FinishedCheckout:
    """Return a buyer's finished checkout by its cart or its group. Raises NotFound."""
    finished = attempts.find_converted(tx, cart_or_group_id, buyer_store_id)
    if finished is None:
        raise NotFound
    return finished
