"""What is stored of a person's password, and what was found out about it before the transaction that needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.identity.accounts.data import users

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class CheckedPassword:
    """A password that was compared with what was stored then, or hashed if nothing was."""

    stored: str | None
    fits: bool = False
    new_hash: str = ""

    def fits_still(self, stored: str) -> bool:
        """Return whether it fits, and is still compared with what is stored now."""
        return self.fits and self.stored == stored


def stored_password(tx: Tx, *, email: str) -> str | None:
    """Return the password hash of the person with that address, or None."""
    user = users.find_by_email(tx, email)
    return user.password_hash if user else None
