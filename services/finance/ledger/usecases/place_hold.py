"""Keep money of an account back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.errors import IdempotencyKeyReused
from meshkit.ids import new_id
from services.finance.errors import HoldNotCovered
from services.finance.ledger.data import account_locks, holds, ledger
from services.finance.ledger.domain.ledger import DEBIT_KINDS, Account
from services.finance.ledger.usecases.require_owner import require_owner

if TYPE_CHECKING:
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
    require_owner(hold.account, field="account.owner_id")
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
