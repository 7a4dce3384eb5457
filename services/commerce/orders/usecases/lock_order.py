"""Take hold of an order before anything of it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.commerce.orders.data import orders

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import LockedOrder


def lock_order(
    tx: Tx, *, order_id: uuid.UUID, buyer: uuid.UUID | None = None, vendor: uuid.UUID | None = None
) -> LockedOrder:
    """Return the locked order. Raises NotFound, also for an order of other parties than the given one."""
    order = orders.lock(tx, order_id, buyer=buyer, vendor=vendor)
    if order is None:
        raise NotFound
    return order
