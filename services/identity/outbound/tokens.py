"""Mints access tokens (ES256) and refresh tokens; publishes the public key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm

from meshkit.principal import ISSUER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

_REFRESH_BYTES = 32


@dataclass(frozen=True)
class AccessClaims:
    """Who a token is for and what it may do."""

    audience: str
    user_id: uuid.UUID
    session_id: uuid.UUID
    role: str
    store_id: uuid.UUID | None = None
    store_type: str = ""
    kyc_status: str = ""


class TokenMint:
    """The only holder of the private signing key."""

    def __init__(self, *, signing_key_file: Path, access_lifetime: timedelta) -> None:
        pem = signing_key_file.read_bytes()
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{signing_key_file} must hold a P-256 private key")
        self._key = key
        self.access_lifetime = access_lifetime
        self._jwk = json.loads(ECAlgorithm.to_jwk(key.public_key()))
        self._key_id = base64.urlsafe_b64encode(hashlib.sha256(self._jwk["x"].encode()).digest()[:12]).decode()
        # Successors are derived with a key of their own, so that knowing one token does not give the next.
        self._successor_key = hashlib.sha256(b"marketmesh refresh successor" + pem).digest()

    def access_token(self, claims: AccessClaims, *, now: datetime, not_before: datetime | None = None) -> str:
        """Return a signed access token.

        `not_before` is when the session's rights last changed, which is later than `now` if the clock was put back since:
        the token counts all the same.
        """
        payload: dict[str, Any] = {
            "iss": ISSUER,
            "aud": claims.audience,
            "sub": str(claims.user_id),
            "user_id": str(claims.user_id),
            "sid": str(claims.session_id),
            "role": claims.role,
            "jti": uuid.uuid4().hex,
            "iat": int(now.timestamp()),
            # Milliseconds, to compare with the instant at which a session's rights changed.
            "mms": int(max(now, not_before or now).timestamp() * 1000),
            "exp": int((now + self.access_lifetime).timestamp()),
        }
        if claims.store_id:
            payload |= {
                "active_store_id": str(claims.store_id),
                "store_type": claims.store_type,
                "kyc_status": claims.kyc_status,
            }
        return jwt.encode(payload, self._key, algorithm="ES256", headers={"kid": self._key_id})

    @staticmethod
    def new_refresh_token() -> str:
        """Return a new random refresh token."""
        return secrets.token_urlsafe(_REFRESH_BYTES)

    def successor_of(self, token_hash: bytes) -> str:
        """Return the successor of a refresh token, given the hash that is stored of it: the same every time.

        So a replay within grace gets the same, also after SwitchStore, which never sees the token itself.
        """
        digest = hmac.digest(self._successor_key, token_hash, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def public_keys(self) -> Mapping[str, Any]:
        """Return the verifying keys by id."""
        return {self._key_id: self._key.public_key()}

    def jwks(self) -> bytes:
        """Return the JWKS document (RFC 7517)."""
        entry = {**self._jwk, "kid": self._key_id, "alg": "ES256", "use": "sig"}
        return json.dumps({"keys": [entry]}).encode()


def hash_refresh_token(refresh_token: str) -> bytes:
    """Return the hash under which a refresh token is stored."""
    return hashlib.sha256(refresh_token.encode()).digest()
