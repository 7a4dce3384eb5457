"""Keep the time of a person's last sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.accounts.data import users

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def note_sign_in(tx: Tx, *, user_id: uuid.UUID) -> None:
    """Note that the person signed in now."""
    users.note_sign_in(tx, user_id)
