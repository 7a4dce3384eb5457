"""Move a locked order to another status and tell the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.data import orders
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order_state import OrderStatus


def change_state(tx: Tx, before: Any, status: OrderStatus, **columns: Any) -> tuple[Any, list[Any]]:
    """Return the order in its new status and its lines; emits OrderStateChanged."""
    order = orders.change(tx, before.id, status=status.value, **columns)
    lines = orders.lines(tx, before.id)
    tx.audit(target=before.id, before={"status": before.status}, after={"status": order.status})
    tx.emit(
        events.OrderStateChanged(order_id=str(before.id), from_status=before.status, order=order_snapshot(order, lines))
    )
    return order, lines
