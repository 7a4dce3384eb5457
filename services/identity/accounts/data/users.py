"""SQL about people."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit.db.sql import sql
from services.identity.accounts.domain.person import Person

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


_FIND_BY_EMAIL = sql("SELECT {columns} FROM users WHERE lower(email) = lower(:email)", Person)
_GET = sql("SELECT {columns} FROM users WHERE id = :id", Person)
_ADD = sql(
    "INSERT INTO users (id, email, password_hash, first_name, last_name, phone, system_role, is_active, created_at)"
    " VALUES (:id, :email, :password_hash, :first_name, :last_name, :phone, :system_role, true, :now)"
    " RETURNING {columns}",
    Person,
)
_NOTE_SIGN_IN = sql("UPDATE users SET last_login_at = :now WHERE id = :id")


def find_by_email(tx: Tx, email: str) -> Person | None:
    """Return the person with that address in any case, or None."""
    return tx.execute(_FIND_BY_EMAIL, {"email": email}).one_or_none()


def get(tx: Tx, user_id: uuid.UUID) -> Person:
    """Return a person who is known to exist."""
    return tx.execute(_GET, {"id": user_id}).one()


def add(
    tx: Tx,
    *,
    user_id: uuid.UUID,
    email: str,
    password_hash: str,
    first_name: str,
    last_name: str,
    phone: str = "",
    system_role: str | None = None,
) -> Person:
    """Insert a person; returns the row. Raises IntegrityError on users_email_key."""
    values = {
        "id": user_id,
        "email": email,
        "password_hash": password_hash,
        "first_name": first_name,
        "last_name": last_name,
        "phone": phone,
        "system_role": system_role,
        "now": tx.now,
    }
    return tx.execute(_ADD, values).one()


def note_sign_in(tx: Tx, user_id: uuid.UUID) -> None:
    """Note that the person signed in now."""
    tx.execute(_NOTE_SIGN_IN, {"id": user_id, "now": tx.now})
