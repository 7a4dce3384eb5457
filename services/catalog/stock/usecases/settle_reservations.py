"""Keep the stock of reservations past their time that were bought, and give the others' back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import inventory, reservations
from services.catalog.stock.domain.reservations import ReservationState
from services.catalog.stock.usecases.announce_release import announce_release

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Sequence

    from meshkit.db.tx import Tx
    from services.catalog.stock.data.reservations import DueReservation


def settle_reservations(tx: Tx, due: Sequence[DueReservation], *, bought: Collection[uuid.UUID]) -> int:
    """Settle reservations past their time, knowing which groups were bought; returns how many were settled.

    Waits for no lock: stock that others have locked is looked at again at the next run.
    """
    confirmed = reservations.confirm(tx, [row.line_id for row in due if row.group_id in bought])
    lost = [row for row in due if row.group_id not in bought]
    free = inventory.lock_free(tx, {row.product_id for row in lost}) if lost else set()
    expired = reservations.expire(tx, [row.line_id for row in lost if row.product_id in free])
    announce_release(tx, expired, state=ReservationState.EXPIRED)
    return len(confirmed) + len(expired)
