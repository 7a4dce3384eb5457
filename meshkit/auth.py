"""Verifies tokens: people's, minted by identity, and services', each signed with a key of its own. ES256 and nothing else."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from meshkit.errors import Unauthenticated, UnauthorizedCause
from meshkit.principal import ISSUER, Audience, Principal
from meshkit.service_keys import SERVICE_TOKEN_SECONDS, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from meshkit.clock import Clock

# Clocks of two machines may differ by this much.
CLOCK_SKEW_SECONDS = 10
_CACHE_SIZE = 4096
_UNKNOWN_KEY_REFRESH_SECONDS = 2.0


def verify_token(token: str, *, key: Any, now: datetime) -> dict[str, Any]:
    """Return the claims of a token of ours. Raises Unauthenticated with the cause.

    The audience is compared later against the method's policy: here it must only be one of ours. Times are compared
    with `now`, which is the injected clock's, not with the machine's.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["ES256"],
            issuer=ISSUER,
            audience=[audience.value for audience in Audience],
            options={
                "require": ["exp", "iat", "iss", "aud", "sub", "jti"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise Unauthenticated("The token is for another audience.", cause=UnauthorizedCause.AUDIENCE) from None
    except jwt.InvalidTokenError:
        raise Unauthenticated("The token is not valid.", cause=UnauthorizedCause.INVALID) from None
    if not isinstance(claims["exp"], int) or not isinstance(claims["iat"], int):
        raise Unauthenticated("The token is not valid.", cause=UnauthorizedCause.INVALID)
    if claims["iat"] > now.timestamp() + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The token is from the future.", cause=UnauthorizedCause.INVALID)
    if claims["exp"] <= now.timestamp():
        raise Unauthenticated("The token has expired.", cause=UnauthorizedCause.EXPIRED)
    return claims


@dataclass
class KeySet:
    """Public keys by id, loaded when first needed, again when an unknown id turns up, and when they are older than `kept_s`."""

    load: Callable[[], Mapping[str, Any]]
    kept_s: float = float("inf")

    def __post_init__(self) -> None:
        self._keys: dict[str, Any] = {}
        self._loaded_at = float("-inf")
        self._lock = threading.Lock()

    def find(self, key_id: str) -> Any:
        """Return the key. Raises Unauthenticated if there is none of that id."""
        if key_id not in self._keys or time.monotonic() - self._loaded_at > self.kept_s:
            self._reload()
        key = self._keys.get(key_id)
        if key is None:
            raise Unauthenticated("The token is signed by an unknown key.", cause=UnauthorizedCause.INVALID)
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

    def __init__(self, *, people: KeySet, services: KeySet, clock: Clock) -> None:
        self._people = people
        self._services = services
        self._clock = clock
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
            key_id = str(jwt.get_unverified_header(token).get("kid"))
        except jwt.InvalidTokenError:
            raise Unauthenticated("The token is not valid.", cause=UnauthorizedCause.INVALID) from None
        service = owner_of(key_id)
        keys = self._services if service else self._people
        claims = verify_token(token, key=keys.find(key_id), now=now)
        # Whoever holds a key speaks for its owner only: identity for people, a service for itself.
        is_of_a_service = claims["aud"] == Audience.SERVICE
        is_its_own = not service or claims["sub"] == service
        # Verified tokens are remembered until they expire: one that lives longer would outlive a key that was taken away.
        lives_too_long = service and claims["exp"] - claims["iat"] > SERVICE_TOKEN_SECONDS
        if is_of_a_service != bool(service) or not is_its_own or lives_too_long:
            raise Unauthenticated("The token is not valid.", cause=UnauthorizedCause.INVALID)
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
        raise Unauthenticated("The token is not valid.", cause=UnauthorizedCause.INVALID) from None
