"""SQL about files that prove deliveries."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class Announced(NamedTuple):
    """A file with which an agent means to prove the delivery of an order."""

    media_id: uuid.UUID
    order_id: uuid.UUID
    agent_user_id: uuid.UUID
    kind: str


_ADD = sql(
    "INSERT INTO proof_uploads (media_id, order_id, agent_user_id, kind, created_at)"
    " VALUES (:media_id, :order_id, :agent_user_id, :kind, :now) ON CONFLICT ON CONSTRAINT proof_uploads_pk DO NOTHING"
)
_WITHDRAW = sql("DELETE FROM proof_uploads WHERE media_id = :media_id")
_FIND = sql(
    "SELECT media_id FROM proof_uploads"
    " WHERE media_id = :media_id AND order_id = :order_id AND agent_user_id = :agent_user_id AND kind = :kind",
    uuid.UUID,
)


def add(tx: Tx, file: Announced) -> None:
    """Insert a file that was announced; again changes nothing."""
    tx.execute(_ADD, {**file._asdict(), "now": tx.now})


def withdraw(tx: Tx, *, media_id: uuid.UUID) -> None:
    """Delete a file that media refused."""
    tx.execute(_WITHDRAW, {"media_id": media_id})


def is_announced(tx: Tx, file: Announced) -> bool:
    """Return whether that agent announced that file for that order."""
    return tx.execute(_FIND, file._asdict()).first() is not None
