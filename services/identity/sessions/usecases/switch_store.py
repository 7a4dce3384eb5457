"""Make another of the caller's stores the active one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from services.identity.accounts.usecases.find_person import known_person
from services.identity.errors import NotAMember
from services.identity.outbound.tokens import hash_refresh_token
from services.identity.sessions.data import sessions
from services.identity.sessions.usecases.issue_tokens import SignedIn, TokenKit, issue_tokens
from services.identity.stores.usecases.find_store import stores_of_person

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def switch_store(tx: Tx, *, store_id: uuid.UUID, kit: TokenKit) -> SignedIn:
    """Return tokens for another store; those the caller had are spent. Raises NotAMember, also for no such store.

    The access token of the store that is left ends. The refresh token is looked up and rotated as a refresh would: within
    the grace time it gets the same successor, so that a caller whose answer was lost finds the other store; later it is
    taken for theft.
    """
    user_id, session_id = tx.principal.require_user, tx.principal.session_id
    mine = stores_of_person(tx, user_id=user_id)
    if session_id is None or all(row.id != store_id for row in mine) or not sessions.is_open(tx, session_id):
        raise NotAMember
    sessions.set_active_store(tx, session_id, store_id)
    sessions.outdate_all(tx, session_id)
    spent = sessions.spend_refresh_tokens(tx, session_id)
    refresh_token = kit.mint.successor_of(spent) if spent else kit.mint.new_refresh_token()
    sessions.add_refresh_token(
        tx,
        token_hash=hash_refresh_token(refresh_token),
        session_id=session_id,
        expires_at=tx.now + kit.refresh_lifetime,
    )
    tx.audit(target=store_id)
    return issue_tokens(
        tx,
        user=known_person(tx, user_id=user_id),
        mine=mine,
        session_id=session_id,
        active=store_id,
        refresh_token=refresh_token,
        kit=kit,
    )
