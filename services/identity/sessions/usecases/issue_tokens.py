"""Tokens of a session, with claims that are true now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.principal import Audience
from services.identity.outbound.tokens import AccessClaims, TokenMint
from services.identity.sessions.data import sessions

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import timedelta

    from meshkit.db.tx import Tx
    from services.identity.accounts.domain.person import Person
    from services.identity.stores.domain.store import StoreOfPerson

AUDIENCE_OF_ROLE = {"admin": Audience.ADMIN, "agent": Audience.AGENT}


@dataclass(frozen=True)
class TokenKit:
    """The mint and how long refresh tokens live."""

    mint: TokenMint
    refresh_lifetime: timedelta
    refresh_grace: timedelta


@dataclass(frozen=True)
class SignedIn:
    """The outcome of every sign-in: the person, the stores, and the two tokens."""

    user: Person
    stores: Sequence[StoreOfPerson]
    active_store_id: uuid.UUID | None
    access_token: str
    refresh_token: str


def issue_tokens(
    tx: Tx,
    *,
    user: Person,
    mine: Sequence[StoreOfPerson],
    session_id: uuid.UUID,
    active: uuid.UUID | None,
    refresh_token: str,
    kit: TokenKit,
) -> SignedIn:
    """Return tokens with claims that are true now: role, store type and KYC status of the active store."""
    store = next((row for row in mine if row.id == active), None)
    claims = AccessClaims(
        audience=AUDIENCE_OF_ROLE.get(user.system_role or "", Audience.STORE).value,
        user_id=user.id,
        session_id=session_id,
        role=user.system_role or (store.role if store else ""),
        store_id=store.id if store else None,
        store_type=store.type if store else "",
        kyc_status=store.kyc_status if store else "",
    )
    access_token = kit.mint.access_token(claims, now=tx.now, not_before=sessions.not_before_of(tx, session_id))
    return SignedIn(user, mine, store.id if store else None, access_token, refresh_token)
