"""A signing key as identity has one, and tokens made with it."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

KEY_ID = "test-1"


class TokenMint:
    """Makes access tokens as identity does, and the wrong ones identity never makes."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._stranger = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwks(self) -> bytes:
        """Return the public keys."""
        key = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        return json.dumps({"keys": [{**key, "kid": KEY_ID, "alg": "ES256", "use": "sig"}]}).encode()

    def token(self, *, audience: str = "marketmesh.store", **claims: Any) -> str:
        """Return a valid token, unless the claims say otherwise."""
        return jwt.encode(_claims(audience, claims), self._key, "ES256", headers={"kid": KEY_ID})

    def forged(self) -> str:
        """Return a token signed by somebody else with our key id."""
        return jwt.encode(_claims("marketmesh.store", {}), self._stranger, "ES256", headers={"kid": KEY_ID})

    def unsigned(self) -> str:
        """Return a token with `alg: none`."""
        return jwt.encode(_claims("marketmesh.store", {}), None, "none", headers={"kid": KEY_ID})

    def bearer(self, **given: Any) -> dict[str, str]:
        """Return the header that carries a valid token."""
        return {"authorization": f"Bearer {self.token(**given)}"}


def _claims(audience: str, claims: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": "marketmesh", "aud": audience, "sub": "user-1", "iat": now, "exp": now + 600, **claims}
