"""Read one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.commerce.data import assignments, orders
from services.commerce.domain.assignment import is_called_off

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def read_order(tx: Tx, *, order_id: uuid.UUID, party: uuid.UUID | None) -> tuple[Any, list[Any]]:
    """Return the order and its lines. Raises NotFound unless `party` bought or sold it; None may read any."""
    order = orders.find(tx, order_id, party=party)
    if order is None:
        raise NotFound
    return order, orders.lines(tx, order_id)


def read_order_detail(tx: Tx, *, order_id: uuid.UUID, party: uuid.UUID) -> tuple[Any, list[Any], Any | None]:
    """Return the order, its lines and who delivers it, None while nobody does. Raises NotFound as `read_order` does."""
    order, lines = read_order(tx, order_id=order_id, party=party)
    return order, lines, None if is_called_off(order.status) else assignments.find(tx, order_id)
