"""Read a checkout's result again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.usecases.read_finished_checkout import read_finished_checkout
from services.commerce.orders.usecases.read_order import read_orders_of_group

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.usecases.read_order import OrderDetail


def read_confirmation(
    tx: Tx, *, cart_or_group_id: uuid.UUID, buyer_store_id: uuid.UUID
) -> tuple[bytes, list[OrderDetail]]:
    """Return the answer given at checkout and its orders in detail as they are now. Raises NotFound."""
    finished = read_finished_checkout(tx, cart_or_group_id=cart_or_group_id, buyer_store_id=buyer_store_id)
    return finished.response, read_orders_of_group(tx, checkout_group_id=finished.checkout_group_id)
