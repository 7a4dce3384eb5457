"""SQL about holds."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class Hold(NamedTuple):
    """Money that is kept back of an account, with the account's name."""

    id: uuid.UUID
    key: str
    account_id: uuid.UUID
    status: str
    amount_cents: int
    reason: str
    entry_id: uuid.UUID | None
    expires_at: datetime
    created_at: datetime
    kind: str
    owner_id: uuid.UUID
    currency: str


_HOLD = """
    SELECT h.id, h.key, h.account_id, h.status, h.amount_cents, h.reason, h.entry_id, h.expires_at, h.created_at,
           a.kind, a.owner_id, a.currency
    FROM holds h JOIN accounts a ON a.id = h.account_id
"""
_ADD = sql(
    """
    INSERT INTO holds (id, key, account_id, status, amount_cents, reason, expires_at, created_at, changed_at)
    VALUES (:id, :key, :account, 'pending', :amount, :reason, :expires_at, :now, :now)
    ON CONFLICT ON CONSTRAINT holds_key_key DO NOTHING
    """
)
_BY_KEY = sql(f"{_HOLD} WHERE h.key = :key", Hold)
_FIND = sql(f"{_HOLD} WHERE h.id = :id", Hold)
_LOCK = sql(f"{_HOLD} WHERE h.id = :id FOR UPDATE OF h", Hold)
_PENDING = sql(
    "SELECT coalesce(sum(amount_cents), 0) FROM holds WHERE account_id = :account AND status = 'pending'", Decimal
)
_CHANGE = sql("UPDATE holds SET status = :status, entry_id = :entry, changed_at = :now WHERE id = :id")
_EXPIRE = sql(
    """
    UPDATE holds SET status = 'expired', changed_at = :now WHERE id IN (
        SELECT id FROM holds WHERE status = 'pending' AND expires_at <= :now ORDER BY id LIMIT 1000
        FOR UPDATE SKIP LOCKED)
    """
)
_WRONGLY_POSTED = sql(
    """
    SELECT h.id FROM holds h LEFT JOIN postings p ON p.entry_id = h.entry_id AND p.account_id = h.account_id
    WHERE h.status = 'posted' GROUP BY h.id, h.amount_cents
    HAVING coalesce(abs(sum(p.amount_cents)), 0) <> h.amount_cents
    """,
    uuid.UUID,
)


def pending_cents(tx: Tx, account_id: uuid.UUID) -> int:
    """Return what pending holds keep back of an account."""
    return int(tx.execute(_PENDING, {"account": account_id}).one())


def add(
    tx: Tx,
    *,
    hold_id: uuid.UUID,
    key: str,
    account_id: uuid.UUID,
    amount_cents: int,
    reason: str,
    expires_at: datetime,
) -> None:
    """Insert a pending hold; a second one of the same key changes nothing."""
    values = {"id": hold_id, "key": key, "account": account_id, "amount": amount_cents, "reason": reason}
    tx.execute(_ADD, {**values, "expires_at": expires_at, "now": tx.now})


def by_key(tx: Tx, key: str) -> Hold | None:
    """Return the hold of a key with its account's name, or None."""
    return tx.execute(_BY_KEY, {"key": key}).one_or_none()


def find(tx: Tx, hold_id: uuid.UUID) -> Hold:
    """Return a hold that exists."""
    return tx.execute(_FIND, {"id": hold_id}).one()


def lock(tx: Tx, hold_id: uuid.UUID) -> Hold | None:
    """Return a hold with its account's name and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"id": hold_id}).one_or_none()


def change(tx: Tx, hold_id: uuid.UUID, *, status: str, entry_id: uuid.UUID | None = None) -> None:
    """Set a locked hold's status, and the entry that posted it."""
    tx.execute(_CHANGE, {"id": hold_id, "status": status, "entry": entry_id, "now": tx.now})


def expire(tx: Tx) -> int:
    """Let go of up to a thousand holds whose time is over; returns how many."""
    return tx.execute(_EXPIRE, {"now": tx.now}).rowcount


def wrongly_posted(tx: Tx) -> list[uuid.UUID]:
    """Return the ids of posted holds whose entry did not move exactly what was held."""
    return tx.execute(_WRONGLY_POSTED).all()
