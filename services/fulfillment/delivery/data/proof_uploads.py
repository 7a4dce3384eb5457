"""SQL about files that prove deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

_ADD = sql(
    "INSERT INTO proof_uploads (media_id, order_id, agent_user_id, kind, created_at)"
    " VALUES (:media, :order, :agent, :kind, :now) ON CONFLICT ON CONSTRAINT proof_uploads_pk DO NOTHING"
)
_WITHDRAW = sql("DELETE FROM proof_uploads WHERE media_id = :media")
_FIND = sql(
    "SELECT 1 AS found FROM proof_uploads"
    " WHERE media_id = :media AND order_id = :order AND agent_user_id = :agent AND kind = :kind"
)


def add(tx: Tx, *, media_id: uuid.UUID, order_id: uuid.UUID, agent_user_id: uuid.UUID, kind: str) -> None:
    """Insert a file that was announced; again changes nothing."""
    values = {"media": media_id, "order": order_id, "agent": agent_user_id, "kind": kind, "now": tx.now}
    tx.execute(_ADD, values)


def withdraw(tx: Tx, *, media_id: uuid.UUID) -> None:
    """Delete a file that media refused."""
    tx.execute(_WITHDRAW, {"media": media_id})


def is_announced(tx: Tx, *, media_id: uuid.UUID, order_id: uuid.UUID, agent_user_id: uuid.UUID, kind: str) -> bool:
    """Return whether that agent announced that file for that order."""
    values = {"media": media_id, "order": order_id, "agent": agent_user_id, "kind": kind}
    return tx.execute(_FIND, values).first() is not None
