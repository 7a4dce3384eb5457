"""SQL about people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from services.identity.schema import users

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def find_by_email(tx: Tx, email: str) -> Any | None:
    """Return the person with that address in any case, or None."""
    return tx.execute(select(users).where(func.lower(users.c.email) == email.lower())).one_or_none()


def get(tx: Tx, user_id: uuid.UUID) -> Any:
    """Return a person who is known to exist."""
    return tx.execute(select(users).where(users.c.id == user_id)).one()


def add(tx: Tx, **columns: Any) -> Any:
    """Insert a person; returns the row. Raises IntegrityError on users_email_key."""
    values = {
        "system_role": None,
        "phone": "",
        "is_active": True,
        "created_at": tx.now,
        "last_login_at": None,
        **columns,
    }
    return tx.execute(insert(users).values(values).returning(users)).one()


def touch_login(tx: Tx, user_id: uuid.UUID) -> None:
    """Note that the person signed in now."""
    tx.execute(update(users).where(users.c.id == user_id).values(last_login_at=tx.now))
