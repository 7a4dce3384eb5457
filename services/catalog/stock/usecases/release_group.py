"""Release what a checkout that was not completed still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import inventory, reservations
from services.catalog.stock.domain.reservations import ReservationState
from services.catalog.stock.usecases.release_lines import release_lines

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def release_group(tx: Tx, *, group_id: uuid.UUID) -> int:
    """Release a group's lines that are still reserved; returns how many were. Doing it again changes nothing."""
    rows = [row for row in reservations.of_group(tx, group_id).values() if row.state == ReservationState.RESERVED]
    if rows:
        inventory.lock(tx, {row.product_id for row in rows})
    return release_lines(tx, [row.line_id for row in rows])
