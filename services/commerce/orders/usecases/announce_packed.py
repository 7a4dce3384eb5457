"""Announce that an order is packed: by its vendor's own call, or with the decision about its last line (A.6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.domain.order_state import LineStatus
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order import Line, Order


def announce_packed(tx: Tx, order: Order, *, lines: Sequence[Line], resolved: uuid.UUID | None = None) -> None:
    """Announce that an agent may fetch the order; `resolved` is the line whose decision was the last one."""
    tx.emit(
        events.OrderReadyForDispatch(
            order_id=str(order.id),
            order=order_snapshot(order, lines=lines),
            rejected_item_count=sum(line.status == LineStatus.REJECTED for line in lines),
            resolved_line_item_id=str(resolved or ""),
        )
    )
