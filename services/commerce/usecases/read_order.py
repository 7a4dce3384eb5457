"""Read one order with its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.commerce.data import orders

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def read_order(tx: Tx, *, order_id: uuid.UUID, party: uuid.UUID | None) -> tuple[Any, list[Any]]:
    """Return the order and its lines. Raises NotFound unless `party` bought or sold it; None may read any."""
    order = orders.find(tx, order_id, party=party)
    if order is None:
        raise NotFound
    return order, orders.lines(tx, order_id)
