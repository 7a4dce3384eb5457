"""Make the stock of new orders durable, many orders at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.catalog.stock.data import reservations
from services.catalog.stock.data.inventory import HOLDS_STOCK
from services.catalog.stock.domain.reservations import is_settled_by_keeping, is_wanted

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it is now: the status of each of its lines."""

    order_id: uuid.UUID
    status: str
    line_statuses: Mapping[uuid.UUID, str]


def keep_orders(tx: Tx, orders: Sequence[NewOrder]) -> set[uuid.UUID]:
    """Make the reservations of orders durable in one statement; returns the orders for which that was all.

    The others have lines that expired, were given up or were never reserved, and must be followed one by one.
    """
    plain = [order for order in orders if is_settled_by_keeping(order.status)]
    kept: dict[uuid.UUID, uuid.UUID] = {}
    rejected: list[uuid.UUID] = []
    for order in plain:
        for line_id, status in order.line_statuses.items():
            if is_wanted(status):
                kept[line_id] = order.order_id
            else:
                rejected.append(line_id)
    durable = reservations.make_orders_durable(tx, kept, rejected=rejected) if kept else set()
    if durable and len(orders) > 1:
        # Whoever has stock locked may want these reservations: what is left of the batch must not wait for stock.
        tx.notes.add(HOLDS_STOCK)
    short = {order_id for line_id, order_id in kept.items() if line_id not in durable}
    whole = set(kept.values()) - short
    return {order.order_id for order in plain if order.order_id in whole}
