"""Lock a hold for what is to be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.errors import HoldNotPending
from services.finance.ledger.data import holds
from services.finance.ledger.domain.hold import HoldStatus, next_status

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.holds import Hold
    from services.finance.ledger.domain.hold import HoldAction


def lock_hold(tx: Tx, *, hold_id: uuid.UUID, action: HoldAction) -> tuple[Hold, HoldStatus]:
    """Return the locked hold, and the status that an action leads to. Raises NotFound, HoldNotPending."""
    hold = holds.lock(tx, hold_id)
    if hold is None:
        raise NotFound
    status = next_status(HoldStatus(hold.status), action)
    if status is None:
        raise HoldNotPending(state=hold.status)
    if hold.expires_at <= tx.now:
        # It is over; the job has not marked it yet.
        raise HoldNotPending(state=HoldStatus.EXPIRED)
    return hold, status
