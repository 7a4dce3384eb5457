"""Take a locked order to another status and announce it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.data import orders
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, LockedOrder, Order
    from services.commerce.orders.domain.order_state import Move


def change_state(tx: Tx, before: LockedOrder, *, move: Move, **columns: object) -> tuple[Order, list[Line]]:
    """Return the order in its new status and its lines; emits OrderStateChanged."""
    order = orders.move(tx, before.id, move, **columns)
    lines = orders.lines(tx, before.id)
    tx.audit(target=before.id, before={"status": before.status}, after={"status": order.status})
    tx.emit(
        events.OrderStateChanged(
            order_id=str(before.id), from_status=before.status, order=order_snapshot(order, lines=lines)
        )
    )
    return order, lines
