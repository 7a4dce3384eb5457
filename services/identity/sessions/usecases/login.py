"""Sign in with a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.accounts.usecases.find_person import find_person
from services.identity.errors import CredentialsInvalid
from services.identity.sessions.usecases.issue_tokens import SignedIn, TokenKit
from services.identity.sessions.usecases.open_session import open_session

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.accounts.usecases.stored_password import CheckedPassword


def login(tx: Tx, *, email: str, checked: CheckedPassword, kit: TokenKit, administrators: bool = False) -> SignedIn:
    """Sign a person in; with `administrators` only administrators, else everybody but them.

    Raises CredentialsInvalid for an unknown e-mail, a wrong password and the wrong door alike, after the same work.
    """
    user = find_person(tx, email=email)
    if user is None or not checked.fits_still(user.password_hash):
        raise CredentialsInvalid
    if not user.is_active or (user.system_role == "admin") != administrators:
        raise CredentialsInvalid
    tx.audit(target=user.id)
    return open_session(tx, user=user, kit=kit)
