"""Give the stock of order lines back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.catalog.events.v1 import catalog_events_pb2 as events
from services.catalog.stock.data import reservations
from services.catalog.stock.domain.reservations import ReservationState

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def release_lines(tx: Tx, line_ids: Sequence[uuid.UUID]) -> int:
    """Release those of the lines that still hold stock, and tell; returns how many did.

    Their inventory must be locked.
    """
    if not line_ids:
        return 0
    released = reservations.release(tx, line_ids)
    announce_released(tx, released, state=ReservationState.RELEASED)
    return len(released)


def announce_released(tx: Tx, rows: Sequence[Any], *, state: ReservationState) -> None:
    """Tell the mesh whose stock went back and why."""
    for row in rows:
        tx.emit(
            events.ReservationReleased(
                group_id=str(row.group_id),
                order_id=str(row.order_id),
                line_id=str(row.line_id),
                product_id=str(row.product_id),
                quantity=row.quantity,
                state=state.value,
            )
        )
