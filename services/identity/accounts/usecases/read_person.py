"""Who somebody is, for the other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.identity.accounts.data import users

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def find_person(tx: Tx, *, email: str) -> Any | None:
    """Return the person with that address in any case, or None."""
    return users.find_by_email(tx, email)


def read_person(tx: Tx, *, user_id: uuid.UUID) -> Any:
    """Return a person who is known to exist."""
    return users.get(tx, user_id)


def note_sign_in(tx: Tx, *, user_id: uuid.UUID) -> None:
    """Note that the person signed in now."""
    users.touch_login(tx, user_id)
