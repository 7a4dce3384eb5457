"""Read orders with their lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.commerce.orders.data import assignments, orders
from services.commerce.orders.domain.assignment import is_called_off

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.assignment import Assignment
    from services.commerce.orders.domain.order import Line, Order


@dataclass(frozen=True)
class OrderDetail:
    """An order, its lines and who brings it: None before it is assigned, and once it is called off."""

    order: Order
    lines: list[Line]
    assignment: Assignment | None


def read_order(tx: Tx, *, order_id: uuid.UUID, party: uuid.UUID | None) -> tuple[Order, list[Line]]:
    """Return the order and its lines. Raises NotFound unless `party` bought or sold it; None may read any."""
    order = orders.find(tx, order_id, party=party)
    if order is None:
        raise NotFound
    return order, orders.lines(tx, order_id)


def read_order_detail(tx: Tx, *, order_id: uuid.UUID, party: uuid.UUID) -> OrderDetail:
    """Return the order in detail. Raises NotFound as `read_order` does."""
    order = orders.find(tx, order_id, party=party)
    if order is None:
        raise NotFound
    (detail,) = orders_in_detail(tx, [order])
    return detail


def orders_in_detail(tx: Tx, found: Sequence[Order]) -> list[OrderDetail]:
    """Return orders with their lines and who brings them, in two statements however many they are."""
    if not found:
        return []
    lines = orders.lines_of(tx, [order.id for order in found])
    brought = [order.id for order in found if not is_called_off(order.status)]
    assigned = assignments.of_orders(tx, brought) if brought else {}
    return [OrderDetail(order, lines[order.id], assigned.get(order.id)) for order in found]


def read_orders(tx: Tx, order_ids: list[uuid.UUID]) -> list[tuple[Order, list[Line]]]:
    """Return those of some orders that exist, with their lines."""
    found = orders.of_ids(tx, order_ids)
    lines = orders.lines_of(tx, [order.id for order in found]) if found else {}
    return [(order, lines[order.id]) for order in found]


def read_orders_of_group(tx: Tx, *, checkout_group_id: uuid.UUID) -> list[OrderDetail]:
    """Return the orders of a checkout in detail as they are now."""
    return orders_in_detail(tx, orders.of_group(tx, checkout_group_id))
