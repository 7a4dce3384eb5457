"""Tokens: people's (ES256, minted by identity) and services' (HS256, shared inside the mesh). One verifier for both."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from meshkit.errors import Unauthenticated
from meshkit.principal import Audience, Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from meshkit.clock import Clock

ISSUER = "marketmesh"
SERVICE_TOKEN_SECONDS = 60
# Clocks of two machines may differ by this much.
CLOCK_SKEW_SECONDS = 10
_CACHE_SIZE = 4096
_UNKNOWN_KEY_REFRESH_SECONDS = 2.0


def verify_token(token: str, *, key: Any, algorithm: str, now: datetime) -> dict[str, Any]:
    """Return the claims of a token of ours. Raises Unauthenticated with the cause.

    The audience is compared later against the method's policy: here it must only be one of ours. Times are compared
    with `now`, which is the injected clock's, not with the machine's.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=ISSUER,
            audience=[audience.value for audience in Audience],
            options={
                "require": ["exp", "iat", "iss", "aud", "sub", "jti"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise Unauthenticated("The token is for another audience.", cause="token_audience") from None
    except jwt.InvalidTokenError:
        raise Unauthenticated("The token is not valid.", cause="token_invalid") from None
    if not isinstance(claims["exp"], int) or not isinstance(claims["iat"], int):
        raise Unauthenticated("The token is not valid.", cause="token_invalid")
    if claims["iat"] > now.timestamp() + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The token is from the future.", cause="token_invalid")
    if claims["exp"] <= now.timestamp():
        raise Unauthenticated("The token has expired.", cause="token_expired")
    return claims


@dataclass
class KeySet:
    """Public keys by id, loaded from identity when first needed and again when an unknown id turns up."""

    load: Callable[[], Mapping[str, Any]]

    def __post_init__(self) -> None:
        self._keys: dict[str, Any] = {}
        self._loaded_at = float("-inf")
        self._lock = threading.Lock()

    def find(self, key_id: str) -> Any:
        """Return the key. Raises Unauthenticated if identity does not publish it."""
        key = self._keys.get(key_id)
        if key is None:
            self._reload()
            key = self._keys.get(key_id)
        if key is None:
            raise Unauthenticated("The token is signed by an unknown key.", cause="token_invalid")
        return key

    def _reload(self) -> None:
        with self._lock:
            if time.monotonic() - self._loaded_at < _UNKNOWN_KEY_REFRESH_SECONDS:
                return
            self._keys = dict(self.load())
            self._loaded_at = time.monotonic()


def parse_jwks(document: bytes) -> dict[str, Any]:
    """Return the keys of a JWKS document by key id."""
    return {str(key.key_id): key.key for key in jwt.PyJWKSet.from_json(document.decode()).keys}


class Authenticator:
    """Turns an Authorization value into a Principal; remembers verified tokens until they expire."""

    def __init__(self, *, keys: KeySet, service_key: str, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._service_key = service_key
        self._seen: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()

    def principal(self, token: str) -> Principal:
        """Return who the token is for. Raises Unauthenticated."""
        now = self._clock.now()
        with self._lock:
            known = self._seen.get(token)
        if known and known[0] > now.timestamp():
            return known[1]
        claims = self._verify(token, now)
        principal = principal_of(claims)
        with self._lock:
            self._seen[token] = (float(claims["exp"]), principal)
            while len(self._seen) > _CACHE_SIZE:
                self._seen.popitem(last=False)
        return principal

    def _verify(self, token: str, now: datetime) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise Unauthenticated("The token is not valid.", cause="token_invalid") from None
        if header.get("alg") == "HS256":
            claims = verify_token(token, key=self._service_key, algorithm="HS256", now=now)
            if claims["aud"] != Audience.SERVICE:
                raise Unauthenticated("The token is not valid.", cause="token_invalid")
            return claims
        claims = verify_token(token, key=self._keys.find(str(header.get("kid"))), algorithm="ES256", now=now)
        if claims["aud"] == Audience.SERVICE:
            raise Unauthenticated("The token is not valid.", cause="token_invalid")
        return claims


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """Return the caller that verified claims describe. Raises Unauthenticated for a malformed one."""
    audience = Audience(claims["aud"])
    if audience is Audience.SERVICE:
        return Principal(audience=audience, service=str(claims["sub"]))
    try:
        return Principal(
            audience=audience,
            user_id=uuid.UUID(claims["sub"]),
            store_id=uuid.UUID(claims["active_store_id"]) if claims.get("active_store_id") else None,
            store_type=str(claims.get("store_type", "")),
            role=str(claims.get("role", "")),
            session_id=uuid.UUID(claims["sid"]),
            claims=dict(claims),
        )
    except (KeyError, ValueError):
        raise Unauthenticated("The token is not valid.", cause="token_invalid") from None


def mint_service_token(*, service: str, key: str, now: datetime) -> str:
    """Return a token with which `service` calls others; lives 60 s. On whose behalf it calls travels beside it."""
    issued_at = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": Audience.SERVICE.value,
        "sub": service,
        "iat": issued_at,
        "exp": issued_at + SERVICE_TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, key, algorithm="HS256")
