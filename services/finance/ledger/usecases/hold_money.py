"""Keep money of an account back, then move it or let it go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.errors import IdempotencyKeyReused, NotFound, ValidationError
from meshkit.ids import new_id
from services.finance.errors import HoldNotCovered, HoldNotPending
from services.finance.ledger.data import account_locks, holds, ledger
from services.finance.ledger.domain.hold import HoldAction, HoldStatus, next_status
from services.finance.ledger.domain.ledger import DEBIT_KINDS, NOBODY, Account, AccountKind, owner_flaw, settled_hold
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.ledger.data.holds import Hold


@dataclass(frozen=True)
class NewHold:
    """What is to be kept back, and for how long."""

    key: str
    account: Account
    amount_cents: int
    expires_in_s: int
    reason: str


def place_hold(tx: Tx, hold: NewHold) -> Hold:
    """Keep money of an account back; returns the pending hold. A repeat of the key answers the same.

    Raises HoldNotCovered, IdempotencyKeyReused, ValidationError.
    """
    _require_owner(hold.account, field="account.owner_id")
    account_id = ledger.open_account(tx, hold.account)
    account_locks.lock(tx, [account_id])
    there = holds.by_key(tx, hold.key)
    if there is not None:
        if (there.account_id, there.amount_cents) != (account_id, hold.amount_cents):
            raise IdempotencyKeyReused
        return there
    balance = ledger.balance_cents(tx, hold.account)
    has = balance if hold.account.kind in DEBIT_KINDS else -balance
    available = has - holds.pending_cents(tx, account_id)
    if hold.amount_cents > available:
        raise HoldNotCovered(available_cents=str(available))
    hold_id = new_id()
    holds.add(
        tx,
        hold_id=hold_id,
        key=hold.key,
        account_id=account_id,
        amount_cents=hold.amount_cents,
        reason=hold.reason,
        expires_at=tx.now + timedelta(seconds=hold.expires_in_s),
    )
    made = holds.by_key(tx, hold.key)
    if made is None or made.id != hold_id:
        # Another call has used the same key at the same instant, for another account.
        raise IdempotencyKeyReused
    tx.audit(target=hold_id, after={"status": "pending", "amount_cents": hold.amount_cents})
    return made


def post_hold(tx: Tx, *, hold_id: uuid.UUID, target: Account, reference: str) -> Hold:
    """Move a hold's money to the target; returns the hold. Raises NotFound, HoldNotPending, ValidationError."""
    _require_owner(target, field="to.owner_id")
    hold, status = _lock_for(tx, hold_id, HoldAction.POST)
    held = Account(AccountKind(hold.kind), hold.currency, None if hold.owner_id == NOBODY else hold.owner_id)
    if target.currency != held.currency:
        raise ValidationError.of("to.currency", f"must be the hold's currency, {held.currency}")
    if target == held:
        raise ValidationError.of("to", "must be another account than the hold's")
    entry = settled_hold(hold_id=hold_id, held=held, target=target, amount_cents=hold.amount_cents)
    entry_id = post_entries(tx, [NewEntry(entry, reference=reference)])[0]
    return _set_status(tx, hold, status=status, entry_id=entry_id)


def void_hold(tx: Tx, *, hold_id: uuid.UUID) -> Hold:
    """Void a hold, so that its money is free again; returns it. Raises NotFound, HoldNotPending."""
    hold, status = _lock_for(tx, hold_id, HoldAction.VOID)
    return _set_status(tx, hold, status=status)


def expire_holds(tx: Tx) -> int:
    """Free the money of holds whose time is over; returns how many."""
    return holds.expire(tx)


def _require_owner(account: Account, *, field: str) -> None:
    wrong = owner_flaw(account)
    if wrong:
        needed = "has an owner" if wrong == "OWNER_MISSING" else "is the platform's own"
        raise ValidationError.of(field, f"{account.kind} {needed}")


def _lock_for(tx: Tx, hold_id: uuid.UUID, action: HoldAction) -> tuple[Hold, HoldStatus]:
    """Return the locked hold, and the status that an action leads to."""
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


def _set_status(tx: Tx, hold: Hold, *, status: HoldStatus, entry_id: uuid.UUID | None = None) -> Hold:
    holds.change(tx, hold.id, status=status, entry_id=entry_id)
    tx.audit(target=hold.id, before={"status": hold.status}, after={"status": status})
    return holds.find(tx, hold.id)
