"""Write the orders of a checkout and announce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.data import orders
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder


def place_orders(tx: Tx, plans: Sequence[tuple[PlannedOrder, list[PlannedLine]]]) -> None:
    """Insert orders with their lines; each is given its number and the time of its creation."""
    numbers = orders.add(tx, (order for order, _ in plans), (line for _, lines in plans for line in lines))
    for order, lines in plans:
        order.order_number, order.created_at = numbers[order.id], tx.now
        tx.emit(events.OrderCreated(order_id=str(order.id), order=order_snapshot(order, lines=lines)))
