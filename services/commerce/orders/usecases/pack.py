"""What is accepted of an order is packed: by its vendor's own call, or with the decision about its last line (A.6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from services.commerce.orders.domain.order_state import HoldReason, LineStatus, OrderStatus
from services.commerce.orders.usecases.order_snapshot import order_snapshot

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def packed_columns(tx: Tx, lines: Sequence[Any]) -> dict[str, Any]:
    """Return the columns of an order whose accepted lines are packed. `lines` are those of before."""
    is_whole = all(line.status != LineStatus.REJECTED for line in lines)
    return {
        "status": OrderStatus.HOLD.value,
        "hold_reason": HoldReason.AWAITING_PICKUP.value,
        "fulfillment_status": "fulfilled" if is_whole else "partial",
        "fulfilled_at": tx.now,
    }


def announce_packed(tx: Tx, order: Any, lines: Sequence[Any], *, resolved: uuid.UUID | None = None) -> None:
    """Tell the mesh that an agent may come; `resolved` is the line whose decision was the last one."""
    tx.emit(
        events.OrderReadyForDispatch(
            order_id=str(order.id),
            order=order_snapshot(order, lines),
            rejected_item_count=sum(line.status == LineStatus.REJECTED for line in lines),
            resolved_line_item_id=str(resolved or ""),
        )
    )
