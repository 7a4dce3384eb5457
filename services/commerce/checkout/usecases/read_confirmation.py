"""Read a checkout's result again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.commerce.checkout.data import attempts
from services.commerce.orders.usecases.read_order import read_orders_of_group

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.usecases.read_order import OrderDetail


def read_confirmation(
    tx: Tx, *, cart_or_group_id: uuid.UUID, buyer_store_id: uuid.UUID
) -> tuple[bytes, list[OrderDetail]]:
    """Return the answer given at checkout and its orders in detail as they are now. Raises NotFound."""
    finished = attempts.find_converted(tx, cart_or_group_id, buyer_store_id)
    if finished is None:
        raise NotFound
    return finished.response, read_orders_of_group(tx, checkout_group_id=finished.checkout_group_id)
