"""Trade a refresh token for new tokens, and notice theft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.accounts.usecases.find_person import known_person
from services.identity.errors import RefreshTokenInvalid, RefreshTokenReused
from services.identity.outbound.tokens import hash_refresh_token
from services.identity.sessions.data import sessions
from services.identity.sessions.usecases.issue_tokens import SignedIn, TokenKit, issue_tokens
from services.identity.stores.usecases.find_store import stores_of_person

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.sessions.data.sessions import RefreshToken


def refresh_session(tx: Tx, *, refresh_token: str, kit: TokenKit) -> SignedIn:
    """Rotate a refresh token; the access token that came with it counts no longer.

    Within the grace time a replay gets the same successor, so that parallel tabs do not log each other out; later it
    is taken for theft and the whole family is revoked (OWASP ASVS 10.4.5). Raises RefreshTokenInvalid,
    RefreshTokenReused.
    """
    token = sessions.lock_refresh_token(tx, hash_refresh_token(refresh_token))
    if token is None or token.ended_at is not None or token.expires_at <= tx.now:
        raise RefreshTokenInvalid
    if token.rotated_at is not None and tx.now - token.rotated_at > kit.refresh_grace:
        sessions.end(tx, token.session_id, reason="refresh_token_reused")
        raise RefreshTokenReused().keeping_writes()
    if token.rotated_at is None:
        _outdate_access_tokens(tx, token, kit)
    successor = kit.mint.successor_of(token.token_hash)
    sessions.spend_refresh_token(tx, token.token_hash)
    sessions.add_refresh_token(
        tx,
        token_hash=hash_refresh_token(successor),
        session_id=token.session_id,
        expires_at=tx.now + kit.refresh_lifetime,
    )
    return _signed_in(tx, token, successor, kit)


def _outdate_access_tokens(tx: Tx, token: RefreshToken, kit: TokenKit) -> None:
    """End what was minted together with the spent token, and none of those minted with its successor.

    Replays of its predecessor got access tokens until the grace time was over. What has expired by itself is left off
    the list that every process polls: a client that refreshes when it must costs nothing.
    """
    minted_until = min(tx.now, token.created_at + kit.refresh_grace)
    if minted_until + kit.mint.access_lifetime > tx.now:
        sessions.outdate(tx, token.session_id, not_before=minted_until)


def _signed_in(tx: Tx, token: RefreshToken, successor: str, kit: TokenKit) -> SignedIn:
    user = known_person(tx, user_id=token.user_id)
    if not user.is_active:
        raise RefreshTokenInvalid
    mine = stores_of_person(tx, user_id=user.id) if user.system_role is None else []
    return issue_tokens(
        tx,
        user=user,
        mine=mine,
        session_id=token.session_id,
        active=token.active_store_id,
        refresh_token=successor,
        kit=kit,
    )
