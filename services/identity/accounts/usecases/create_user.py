"""Make a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from meshkit.db.engine import constraint_of
from meshkit.ids import new_id
from services.identity.accounts.data import users
from services.identity.errors import EmailTaken

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.accounts.domain.person import Person


def create_user(
    tx: Tx,
    *,
    email: str,
    password_hash: str,
    first_name: str,
    last_name: str,
    phone: str = "",
    system_role: str | None = None,
) -> Person:
    """Create a person. Raises EmailTaken, also when two set out with one address at the same time."""
    try:
        return users.add(
            tx,
            user_id=new_id(),
            email=email,
            password_hash=password_hash,
            first_name=first_name,
            last_name=last_name,
            phone=phone,
            system_role=system_role,
        )
    except IntegrityError as error:
        if constraint_of(error) == "users_email_key":
            raise EmailTaken(field="email") from None
        raise
