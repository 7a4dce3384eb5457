"""SQL about what is kept out of payouts. The intent is locked by whoever writes here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

# Held since the first reason; the last one stands, with whoever gave it.
_PUT = sql(
    "INSERT INTO payout_holds (intent_id, reason, held_at, held_by_user_id) VALUES (:intent, :reason, :now, :user)"
    " ON CONFLICT ON CONSTRAINT payout_holds_pk DO UPDATE"
    " SET reason = excluded.reason, held_by_user_id = excluded.held_by_user_id"
)
_LIFT = sql("DELETE FROM payout_holds WHERE intent_id = :intent")


def put(tx: Tx, intent_id: uuid.UUID, *, reason: str) -> None:
    """Keep an intent out of payouts, in the caller's name."""
    tx.execute(_PUT, {"intent": intent_id, "reason": reason, "now": tx.now, "user": tx.principal.require_user})


def lift(tx: Tx, intent_id: uuid.UUID) -> None:
    """Let an intent into payouts again."""
    tx.execute(_LIFT, {"intent": intent_id})
