"""Give the stock of order lines back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import reservations
from services.catalog.stock.domain.reservations import ReservationState
from services.catalog.stock.usecases.announce_release import announce_release

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def release_lines(tx: Tx, line_ids: Sequence[uuid.UUID]) -> int:
    """Release those of the lines that still hold stock, and announce it; returns how many did.

    Their inventory must be locked.
    """
    if not line_ids:
        return 0
    released = reservations.release(tx, line_ids)
    announce_release(tx, released, state=ReservationState.RELEASED)
    return len(released)
