"""Move money that was kept back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from services.finance.ledger.domain.hold import HoldAction
from services.finance.ledger.domain.ledger import NOBODY, Account, AccountKind, settled_hold
from services.finance.ledger.usecases.end_hold import end_hold
from services.finance.ledger.usecases.lock_hold import lock_hold
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.ledger.usecases.require_owner import require_owner

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.holds import Hold


def post_hold(tx: Tx, *, hold_id: uuid.UUID, target: Account, reference: str) -> Hold:
    """Move a hold's money to the target; returns the hold. Raises NotFound, HoldNotPending, ValidationError."""
    require_owner(target, field="to.owner_id")
    hold, status = lock_hold(tx, hold_id=hold_id, action=HoldAction.POST)
    held = Account(AccountKind(hold.kind), hold.currency, None if hold.owner_id == NOBODY else hold.owner_id)
    if target.currency != held.currency:
        raise ValidationError.of("to.currency", f"must be the hold's currency, {held.currency}")
    if target == held:
        raise ValidationError.of("to", "must be another account than the hold's")
    entry = settled_hold(hold_id=hold_id, held=held, target=target, amount_cents=hold.amount_cents)
    entry_id = post_entries(tx, [NewEntry(entry, reference=reference)])[0]
    return end_hold(tx, hold, status=status, entry_id=entry_id)
