"""Read one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.commerce.orders.data import assignments, orders
from services.commerce.orders.domain.assignment import is_called_off

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class OrderDetail:
    """An order, its lines and who brings it; nobody while nobody has it, and once it is called off."""

    order: Any
    lines: list[Any]
    assignment: Any | None


def read_order(tx: Tx, *, order_id: uuid.UUID, party: uuid.UUID | None) -> tuple[Any, list[Any]]:
    """Return the order and its lines. Raises NotFound unless `party` bought or sold it; None may read any."""
    order = orders.find(tx, order_id, party=party)
    if order is None:
        raise NotFound
    return order, orders.lines(tx, order_id)


def read_order_detail(tx: Tx, *, order_id: uuid.UUID, party: uuid.UUID) -> OrderDetail:
    """Return the order in detail. Raises NotFound as `read_order` does."""
    order, lines = read_order(tx, order_id=order_id, party=party)
    return OrderDetail(order, lines, None if is_called_off(order.status) else assignments.find(tx, order_id))


def details_of(tx: Tx, rows: Iterable[Any]) -> list[OrderDetail]:
    """Return orders with their lines and who brings them, in two statements however many they are."""
    found = list(rows)
    if not found:
        return []
    lines = orders.lines_of(tx, [row.id for row in found])
    given = assignments.of_orders(tx, [row.id for row in found if not is_called_off(row.status)])
    return [OrderDetail(row, lines[row.id], given.get(row.id)) for row in found]


def read_orders(tx: Tx, order_ids: list[uuid.UUID]) -> list[tuple[Any, list[Any]]]:
    """Return those of some orders that exist, with their lines."""
    rows = orders.of_ids(tx, order_ids)
    lines = orders.lines_of(tx, [row.id for row in rows]) if rows else {}
    return [(row, lines[row.id]) for row in rows]


def read_orders_of_group(tx: Tx, *, checkout_group_id: uuid.UUID) -> list[OrderDetail]:
    """Return the orders of a checkout in detail as they are now."""
    return details_of(tx, orders.of_group(tx, checkout_group_id))
