"""Announce that the stock of order lines is available again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.catalog.events.v1 import catalog_events_pb2 as events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.reservations import SettledReservation
    from services.catalog.stock.domain.reservations import ReservationState


def announce_release(tx: Tx, released: Iterable[SettledReservation], *, state: ReservationState) -> None:
    """Announce lines whose stock is available again; `state` says why: the line was released, or its reservation expired."""
    for line in released:
        tx.emit(
            events.ReservationReleased(
                group_id=str(line.group_id),
                order_id=str(line.order_id),
                line_id=str(line.line_id),
                product_id=str(line.product_id),
                quantity=line.quantity,
                state=state.value,
            )
        )
