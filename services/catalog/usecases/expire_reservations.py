"""Give back the stock of reservations that no order confirmed in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.data import inventory, reservations
from services.catalog.domain.reservations import ReservationState
from services.catalog.usecases.release_lines import announce_released

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

BATCH = 500


def expire_reservations(tx: Tx) -> int:
    """Expire what is due, a bounded number per run; returns how many.

    Waits for nobody: stock that is in use now is looked at again at the next run.
    """
    due = reservations.due(tx, limit=BATCH)
    if not due:
        return 0
    free = inventory.lock_free(tx, {row.product_id for row in due})
    expired = reservations.expire(tx, [row.line_id for row in due if row.product_id in free])
    announce_released(tx, expired, state=ReservationState.EXPIRED)
    return len(expired)
