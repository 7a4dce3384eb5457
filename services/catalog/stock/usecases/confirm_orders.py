"""Confirm the reservations of new orders, many orders at once: they do not expire any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.catalog.stock.data import reservations
from services.catalog.stock.data.inventory import HOLDS_STOCK
from services.catalog.stock.domain.reservations import is_wanted, only_holds_stock

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


def confirm_orders(tx: Tx, orders: Sequence[NewOrder]) -> set[uuid.UUID]:
    """Confirm the reservations of orders in one statement; returns the orders for which nothing else is to be done.

    The others have lines that expired, were rejected or were never reserved, and must be followed one by one.
    """
    plain = [order for order in orders if only_holds_stock(order.status)]
    wanted: dict[uuid.UUID, uuid.UUID] = {}
    rejected: list[uuid.UUID] = []
    for order in plain:
        for line_id, status in order.line_statuses.items():
            if is_wanted(status):
                wanted[line_id] = order.order_id
            else:
                rejected.append(line_id)
    confirmed = reservations.confirm_orders(tx, wanted, rejected=rejected) if wanted else set()
    if confirmed and len(orders) > 1:
        # A call that has locked stock may wait for these reservations, so the rest of the batch must not wait for stock.
        tx.notes.add(HOLDS_STOCK)
    short = {order_id for line_id, order_id in wanted.items() if line_id not in confirmed}
    whole = set(wanted.values()) - short
    return {order.order_id for order in plain if order.order_id in whole}
