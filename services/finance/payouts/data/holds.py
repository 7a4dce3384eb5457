"""SQL about intents that an administrator holds back from payouts. Lock the intent before writing here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

# A second hold changes the reason and who gave it, not since when.
_UPSERT = sql(
    "INSERT INTO payout_holds (intent_id, reason, held_at, held_by_user_id) VALUES (:intent, :reason, :now, :user)"
    " ON CONFLICT ON CONSTRAINT payout_holds_pk DO UPDATE"
    " SET reason = excluded.reason, held_by_user_id = excluded.held_by_user_id"
)
_DELETE = sql("DELETE FROM payout_holds WHERE intent_id = :intent")


def upsert(tx: Tx, intent_id: uuid.UUID, *, reason: str) -> None:
    """Hold an intent back from payouts, in the caller's name."""
    tx.execute(_UPSERT, {"intent": intent_id, "reason": reason, "now": tx.now, "user": tx.principal.require_user})


def delete(tx: Tx, intent_id: uuid.UUID) -> None:
    """Release an intent."""
    tx.execute(_DELETE, {"intent": intent_id})
