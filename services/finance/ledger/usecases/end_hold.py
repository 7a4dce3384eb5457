"""Record what became of a hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.data import holds

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.holds import Hold
    from services.finance.ledger.domain.hold import HoldStatus


def end_hold(tx: Tx, hold: Hold, *, status: HoldStatus, entry_id: uuid.UUID | None = None) -> Hold:
    """Set a locked hold's last status, and the entry that moved its money; returns it."""
    holds.change(tx, hold.id, status=status, entry_id=entry_id)
    tx.audit(target=hold.id, before={"status": hold.status}, after={"status": status})
    return holds.find(tx, hold.id)
