"""Sign a person in: a session, its first refresh token and an access token."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from meshkit.principal import Audience
from services.identity.accounts.usecases.read_person import note_sign_in
from services.identity.outbound.tokens import AccessClaims, TokenMint, hash_refresh_token
from services.identity.sessions.data import sessions
from services.identity.stores.usecases.find_store import stores_of_person

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from meshkit.db.tx import Tx

_AUDIENCE_OF_ROLE = {"admin": Audience.ADMIN, "agent": Audience.AGENT}


@dataclass(frozen=True)
class TokenKit:
    """The mint and how long refresh tokens live."""

    mint: TokenMint
    refresh_lifetime: timedelta
    refresh_grace: timedelta


@dataclass(frozen=True)
class SignedIn:
    """The outcome of every sign-in: the person, the stores, and the two tokens."""

    user: Any
    stores: Sequence[Any]
    active_store_id: uuid.UUID | None
    access_token: str
    refresh_token: str


def open_session(tx: Tx, *, user: Any, kit: TokenKit, store_id: uuid.UUID | None = None) -> SignedIn:
    """Open a session for a person. The active store is `store_id`, else the first one; system roles have none."""
    note_sign_in(tx, user_id=user.id)
    audience = _AUDIENCE_OF_ROLE.get(user.system_role or "", Audience.STORE)
    mine = stores_of_person(tx, user_id=user.id) if audience is Audience.STORE else []
    active = store_id or (mine[0].id if mine else None)
    session_id = new_id()
    sessions.add(tx, session_id=session_id, user_id=user.id, audience=audience.value, active_store_id=active)
    refresh_token = kit.mint.new_refresh_token()
    sessions.add_refresh_token(
        tx,
        token_hash=hash_refresh_token(refresh_token),
        session_id=session_id,
        expires_at=tx.now + kit.refresh_lifetime,
    )
    return sign_in(tx, user=user, mine=mine, session_id=session_id, active=active, refresh_token=refresh_token, kit=kit)


def sign_in(
    tx: Tx,
    *,
    user: Any,
    mine: Sequence[Any],
    session_id: uuid.UUID,
    active: uuid.UUID | None,
    refresh_token: str,
    kit: TokenKit,
) -> SignedIn:
    """Return tokens with claims that are true now: role, store type and KYC status of the active store."""
    store = next((row for row in mine if row.id == active), None)
    claims = AccessClaims(
        audience=_AUDIENCE_OF_ROLE.get(user.system_role or "", Audience.STORE).value,
        user_id=user.id,
        session_id=session_id,
        role=user.system_role or (store.role if store else ""),
        store_id=store.id if store else None,
        store_type=store.type if store else "",
        kyc_status=store.kyc_status if store else "",
    )
    access_token = kit.mint.access_token(claims, now=tx.now, not_before=sessions.not_before_of(tx, session_id))
    return SignedIn(user, mine, store.id if store else None, access_token, refresh_token)
