"""Sign a person in: a session, its first refresh token and an access token."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from meshkit.principal import Audience
from services.identity.accounts.usecases.note_sign_in import note_sign_in
from services.identity.outbound.tokens import hash_refresh_token
from services.identity.sessions.data import sessions
from services.identity.sessions.usecases.issue_tokens import AUDIENCE_OF_ROLE, SignedIn, TokenKit, issue_tokens
from services.identity.stores.usecases.find_store import stores_of_person

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.accounts.domain.person import Person


def open_session(tx: Tx, *, user: Person, kit: TokenKit, store_id: uuid.UUID | None = None) -> SignedIn:
    """Open a session for a person. The active store is `store_id`, else the first one; system roles have none."""
    note_sign_in(tx, user_id=user.id)
    audience = AUDIENCE_OF_ROLE.get(user.system_role or "", Audience.STORE)
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
    return issue_tokens(
        tx, user=user, mine=mine, session_id=session_id, active=active, refresh_token=refresh_token, kit=kit
    )
