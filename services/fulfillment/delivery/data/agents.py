"""SQL about delivery agents."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

_ADD = sql(
    "INSERT INTO agents (user_id, is_active, created_at) VALUES (:user_id, true, :now)"
    " ON CONFLICT ON CONSTRAINT agents_pk DO NOTHING"
)
_ACTIVE = sql("SELECT user_id FROM agents WHERE is_active", uuid.UUID)
_IS_ACTIVE = sql("SELECT user_id FROM agents WHERE user_id = :user_id AND is_active", uuid.UUID)


def add(tx: Tx, user_id: uuid.UUID) -> None:
    """Insert an active agent; again changes nothing."""
    tx.execute(_ADD, {"user_id": user_id, "now": tx.now})


def active(tx: Tx) -> list[uuid.UUID]:
    """Return the ids of all active agents."""
    return tx.execute(_ACTIVE).all()


def is_active(tx: Tx, user_id: uuid.UUID) -> bool:
    """Return whether an active agent has that id."""
    return tx.execute(_IS_ACTIVE, {"user_id": user_id}).first() is not None
