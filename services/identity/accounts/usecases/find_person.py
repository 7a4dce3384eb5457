"""Who somebody is, for the other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.accounts.data import users

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.identity.accounts.domain.person import Person


def find_person(tx: Tx, *, email: str) -> Person | None:
    """Return the person with that address in any case, or None."""
    return users.find_by_email(tx, email)


def known_person(tx: Tx, *, user_id: uuid.UUID) -> Person:
    """Return a person who is known to exist."""
    return users.get(tx, user_id)
