"""Register a person with a first store, or a further store for a person who proves to be the one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.identity.accounts.usecases.create_user import create_user
from services.identity.accounts.usecases.find_person import find_person
from services.identity.errors import CredentialsInvalid, EmailTaken
from services.identity.sessions.usecases.issue_tokens import SignedIn, TokenKit
from services.identity.sessions.usecases.open_session import open_session
from services.identity.stores.usecases.create_store import NewStore, create_store

if TYPE_CHECKING:
    from meshkit.db.rows import JsonObject
    from meshkit.db.tx import Tx
    from services.identity.accounts.domain.person import Person
    from services.identity.accounts.usecases.stored_password import CheckedPassword


@dataclass(frozen=True)
class Registration:
    """What a person tells about themselves and their store."""

    first_name: str
    last_name: str
    email: str
    phone: str
    company_name: str
    dba_name: str
    store_type: str
    address: JsonObject


def register(tx: Tx, registration: Registration, *, checked: CheckedPassword, kit: TokenKit) -> SignedIn:
    """Create user, store and owner membership as one, and sign in.

    Raises CredentialsInvalid when the e-mail is known and the password is not its, EmailTaken when it became known just now.
    """
    user = _user(tx, registration, checked)
    store = create_store(
        tx,
        NewStore(
            type=registration.store_type,
            company_name=registration.company_name,
            dba_name=registration.dba_name,
            phone=registration.phone,
            address=registration.address,
        ),
        owner_id=user.id,
    )
    return open_session(tx, user=user, kit=kit, store_id=store.id)


def _user(tx: Tx, registration: Registration, checked: CheckedPassword) -> Person:
    known = find_person(tx, email=registration.email)
    if known is not None:
        if not checked.stored:
            raise EmailTaken(field="email")
        if known.system_role or not known.is_active or not checked.fits_still(known.password_hash):
            raise CredentialsInvalid
        return known
    return create_user(
        tx,
        email=registration.email,
        password_hash=checked.new_hash,
        first_name=registration.first_name,
        last_name=registration.last_name,
        phone=registration.phone,
    )
