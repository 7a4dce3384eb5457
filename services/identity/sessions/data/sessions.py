"""SQL about sessions and refresh tokens."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class RefreshToken(NamedTuple):
    """A refresh token with its session."""

    token_hash: bytes
    session_id: uuid.UUID
    created_at: datetime
    expires_at: datetime
    rotated_at: datetime | None
    user_id: uuid.UUID
    active_store_id: uuid.UUID | None
    ended_at: datetime | None


class RevokedSession(NamedTuple):
    """A session of which tokens minted before an instant count no longer; none does when it has ended."""

    id: uuid.UUID
    not_before: datetime
    ended_at: datetime | None


class _Spent(NamedTuple):
    token_hash: bytes
    created_at: datetime


_ADD = sql(
    "INSERT INTO sessions (id, user_id, audience, active_store_id, created_at)"
    " VALUES (:id, :user_id, :audience, :active_store_id, :now)"
)
_ADD_TOKEN = sql(
    "INSERT INTO refresh_tokens (token_hash, session_id, created_at, expires_at)"
    " VALUES (:token_hash, :session_id, :now, :expires_at) ON CONFLICT ON CONSTRAINT refresh_tokens_pk DO NOTHING"
)
_LOCK_TOKEN = sql(
    """
    SELECT t.token_hash, t.session_id, t.created_at, t.expires_at, t.rotated_at, s.user_id, s.active_store_id, s.ended_at
    FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = :token_hash FOR UPDATE
    """,
    RefreshToken,
)
_SPEND_TOKEN = sql("UPDATE refresh_tokens SET rotated_at = :now WHERE token_hash = :token_hash AND rotated_at IS NULL")
_SPEND_TOKENS = sql(
    """
    UPDATE refresh_tokens SET rotated_at = :now
    WHERE rotated_at IS NULL AND token_hash IN (
        SELECT token_hash FROM refresh_tokens WHERE session_id = :session_id AND rotated_at IS NULL
        ORDER BY token_hash FOR UPDATE)
    RETURNING token_hash, created_at
    """,
    _Spent,
)
_END = sql(
    "UPDATE sessions SET ended_at = :now, not_before = :now, end_reason = :reason WHERE id = :id AND ended_at IS NULL"
)
_SET_ACTIVE_STORE = sql("UPDATE sessions SET active_store_id = :store_id WHERE id = :id")
_IS_OPEN = sql("SELECT id FROM sessions WHERE id = :id AND ended_at IS NULL", uuid.UUID)
_NOT_BEFORE = sql("SELECT not_before FROM sessions WHERE id = :id", datetime | None)
_OUTDATE = sql("UPDATE sessions SET not_before = greatest(not_before, :not_before) WHERE id = :id")
# A millisecond is what tokens tell instants apart by.
_OUTDATE_ALL = sql(
    "UPDATE sessions SET not_before = greatest(not_before, :now) + interval '1 millisecond' WHERE id = :id"
)
_OUTDATE_OF_STORE = sql(
    "UPDATE sessions SET not_before = greatest(not_before + interval '1 millisecond', :now)"
    " WHERE active_store_id = :store_id AND ended_at IS NULL"
)
_REVOKED = sql("SELECT {columns} FROM sessions WHERE not_before > :since", RevokedSession)


def add(tx: Tx, *, session_id: uuid.UUID, user_id: uuid.UUID, audience: str, active_store_id: uuid.UUID | None) -> None:
    """Insert a session."""
    values = {"id": session_id, "user_id": user_id, "audience": audience, "active_store_id": active_store_id}
    tx.execute(_ADD, {**values, "now": tx.now})


def add_refresh_token(tx: Tx, *, token_hash: bytes, session_id: uuid.UUID, expires_at: datetime) -> None:
    """Insert a refresh token; the same one again changes nothing."""
    values = {"token_hash": token_hash, "session_id": session_id, "expires_at": expires_at, "now": tx.now}
    tx.execute(_ADD_TOKEN, values)


def lock_refresh_token(tx: Tx, token_hash: bytes) -> RefreshToken | None:
    """Return a refresh token with its session, both kept from changing until commit, or None."""
    return tx.execute(_LOCK_TOKEN, {"token_hash": token_hash}).one_or_none()


def spend_refresh_token(tx: Tx, token_hash: bytes) -> None:
    """Mark a refresh token as rotated now, once."""
    tx.execute(_SPEND_TOKEN, {"token_hash": token_hash, "now": tx.now})


def spend_refresh_tokens(tx: Tx, session_id: uuid.UUID) -> bytes | None:
    """Mark what can still be refreshed with of a session as rotated now; returns the newest one's hash, or None."""
    spent = tx.execute(_SPEND_TOKENS, {"session_id": session_id, "now": tx.now}).all()
    newest = max(spent, key=lambda token: (token.created_at, token.token_hash), default=None)
    return newest.token_hash if newest else None


def end(tx: Tx, session_id: uuid.UUID, *, reason: str) -> None:
    """End a session: all its tokens stop counting."""
    tx.execute(_END, {"id": session_id, "reason": reason, "now": tx.now})


def set_active_store(tx: Tx, session_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Remember which store the session acts for."""
    tx.execute(_SET_ACTIVE_STORE, {"id": session_id, "store_id": store_id})


def is_open(tx: Tx, session_id: uuid.UUID) -> bool:
    """Return whether the session exists and has not ended."""
    return tx.execute(_IS_OPEN, {"id": session_id}).one_or_none() is not None


def not_before_of(tx: Tx, session_id: uuid.UUID) -> datetime | None:
    """Return the instant before which minted tokens of a session do not count, or None."""
    return tx.execute(_NOT_BEFORE, {"id": session_id}).one_or_none()


def outdate(tx: Tx, session_id: uuid.UUID, *, not_before: datetime) -> None:
    """Make access tokens of a session that were minted before an instant count no longer."""
    tx.execute(_OUTDATE, {"id": session_id, "not_before": not_before})


def outdate_all(tx: Tx, session_id: uuid.UUID) -> None:
    """Make every access token of a session that was minted until now count no longer; the next one does."""
    tx.execute(_OUTDATE_ALL, {"id": session_id, "now": tx.now})


def outdate_of_store(tx: Tx, store_id: uuid.UUID) -> None:
    """Make access tokens that act for a store count no longer: their claims are not true any more."""
    tx.execute(_OUTDATE_OF_STORE, {"store_id": store_id, "now": tx.now})


def revoked_since(tx: Tx, since: datetime) -> list[RevokedSession]:
    """Return the sessions whose tokens stopped counting after an instant."""
    return tx.execute(_REVOKED, {"since": since}).all()
