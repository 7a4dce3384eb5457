"""SQL about sessions and refresh tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.identity.schema import refresh_tokens, sessions

# What tokens tell instants apart by.
_TICK = timedelta(milliseconds=1)

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.db.tx import Tx


def add(tx: Tx, *, session_id: uuid.UUID, user_id: uuid.UUID, audience: str, active_store_id: uuid.UUID | None) -> None:
    """Insert a session."""
    tx.execute(
        insert(sessions).values(
            id=session_id, user_id=user_id, audience=audience, active_store_id=active_store_id, created_at=tx.now
        )
    )


def add_refresh_token(tx: Tx, *, token_hash: bytes, session_id: uuid.UUID, expires_at: datetime) -> None:
    """Insert a refresh token; the same one again changes nothing."""
    tx.execute(
        upsert(refresh_tokens)
        .values(token_hash=token_hash, session_id=session_id, created_at=tx.now, expires_at=expires_at)
        .on_conflict_do_nothing(constraint="refresh_tokens_pk")
    )


def lock_refresh_token(tx: Tx, token_hash: bytes) -> Any | None:
    """Return a refresh token with its session, both kept from changing until commit, or None."""
    statement = (
        select(refresh_tokens, sessions.c.user_id, sessions.c.audience, sessions.c.active_store_id, sessions.c.ended_at)
        .join(sessions, sessions.c.id == refresh_tokens.c.session_id)
        .where(refresh_tokens.c.token_hash == token_hash)
        .with_for_update()
    )
    return tx.execute(statement).one_or_none()


def spend_refresh_token(tx: Tx, token_hash: bytes) -> None:
    """Mark a refresh token as rotated now, once."""
    tx.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.token_hash == token_hash, refresh_tokens.c.rotated_at.is_(None))
        .values(rotated_at=tx.now)
    )


def spend_refresh_tokens(tx: Tx, session_id: uuid.UUID) -> bytes | None:
    """Mark what can still be refreshed with of a session as rotated now; returns the newest one's hash, or None."""
    live = (
        select(refresh_tokens.c.token_hash)
        .where(refresh_tokens.c.session_id == session_id, refresh_tokens.c.rotated_at.is_(None))
        .order_by(refresh_tokens.c.token_hash)
        .with_for_update()
    )
    spent = tx.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.token_hash.in_(live), refresh_tokens.c.rotated_at.is_(None))
        .values(rotated_at=tx.now)
        .returning(refresh_tokens.c.token_hash, refresh_tokens.c.created_at)
    ).all()
    newest = max(spent, key=lambda row: (row.created_at, row.token_hash), default=None)
    return bytes(newest.token_hash) if newest else None


def end(tx: Tx, session_id: uuid.UUID, *, reason: str) -> None:
    """End a session: all its tokens stop counting."""
    tx.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
        .values(ended_at=tx.now, not_before=tx.now, end_reason=reason)
    )


def set_active_store(tx: Tx, session_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Remember which store the session acts for."""
    tx.execute(update(sessions).where(sessions.c.id == session_id).values(active_store_id=store_id))


def is_open(tx: Tx, session_id: uuid.UUID) -> bool:
    """Return whether the session exists and has not ended."""
    statement = select(sessions.c.id).where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    return tx.execute(statement).one_or_none() is not None


def not_before_of(tx: Tx, session_id: uuid.UUID) -> datetime | None:
    """Return the instant before which minted tokens of a session do not count, or None."""
    found: datetime | None = tx.execute(select(sessions.c.not_before).where(sessions.c.id == session_id)).scalar()
    return found


def outdate(tx: Tx, session_id: uuid.UUID, *, not_before: datetime) -> None:
    """Make access tokens of a session that were minted before an instant count no longer."""
    tx.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(not_before=func.greatest(sessions.c.not_before, not_before))
    )


def outdate_all(tx: Tx, session_id: uuid.UUID) -> None:
    """Make every access token of a session that was minted until now count no longer; the next one does."""
    tx.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(not_before=func.greatest(sessions.c.not_before, tx.now) + _TICK)
    )


def outdate_of_store(tx: Tx, store_id: uuid.UUID) -> None:
    """Make access tokens that act for a store count no longer: their claims are not true any more."""
    tx.execute(
        update(sessions)
        .where(sessions.c.active_store_id == store_id, sessions.c.ended_at.is_(None))
        .values(not_before=func.greatest(sessions.c.not_before + _TICK, tx.now))
    )


def revoked_since(tx: Tx, since: datetime) -> Sequence[Any]:
    """Return `id, not_before` of the sessions whose tokens stopped counting after `since`."""
    statement = select(sessions.c.id, sessions.c.not_before, sessions.c.ended_at).where(sessions.c.not_before > since)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows
