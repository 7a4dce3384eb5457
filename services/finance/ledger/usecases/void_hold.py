"""Let money go that was kept back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.domain.hold import HoldAction
from services.finance.ledger.usecases.end_hold import end_hold
from services.finance.ledger.usecases.lock_hold import lock_hold

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.holds import Hold


def void_hold(tx: Tx, *, hold_id: uuid.UUID) -> Hold:
    """Void a hold, so that its money is free again; returns it. Raises NotFound, HoldNotPending."""
    hold, status = lock_hold(tx, hold_id=hold_id, action=HoldAction.VOID)
    return end_hold(tx, hold, status=status)
