"""Sign out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.sessions.data import sessions

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def end_session(tx: Tx) -> None:
    """End the caller's session; doing it again changes nothing."""
    session_id = tx.principal.session_id
    assert session_id is not None, "policy let a caller without session through"
    sessions.end(tx, session_id, reason="logout")
    tx.audit(target=session_id)


def outdate_sessions_of_store(tx: Tx, *, store_id: uuid.UUID) -> None:
    """Make access tokens that act for a store count no longer: their claims are not true any more."""
    sessions.outdate_of_store(tx, store_id)
