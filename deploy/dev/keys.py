"""Generated passwords and keys of one embedded stack, kept in its state folder and made once.

Invariant: what was generated is never replaced while the state lives, because Postgres and issued tokens depend on it.
Called by stack before anything starts. None of it is fit for production.
"""

from __future__ import annotations

import json
import pathlib
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from deploy.dev import state as states
from deploy.dev.ports import SERVICES

SUPERUSER = "postgres"
REDIS_USER = "default"
MEDIA_ACCOUNT = "media@marketmesh-dev.iam.gserviceaccount.com"
_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  an address inside the key file, never called


def ensure_passwords(state: states.State) -> dict[str, str]:
    """Return role -> password: Postgres's superuser, `<service>_owner` and `<service>_app` for each service, Redis's user."""
    path = state.folder / "secrets.json"
    passwords: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    roles = [SUPERUSER, REDIS_USER, *(f"{service}_{kind}" for service in SERVICES for kind in ("owner", "app"))]
    missing = [role for role in roles if role not in passwords]
    if missing:
        passwords |= {role: secrets.token_urlsafe(24) for role in missing}
        states.write_private(path, json.dumps(passwords, indent=1))
    return passwords


def ensure_key_files(state: states.State) -> dict[str, pathlib.Path]:
    """Return environment variable -> key file, generating the files that are missing."""
    makers = {
        "MESH_SERVICE_TOKEN_KEY_FILE": ("service_token.key", _random_hex),
        "IDENTITY_SIGNING_KEY_FILE": ("jwt_es256.pem", _signing_key),
        "ADS_TOKEN_KEY_FILE": ("ads_token.key", _random_hex),
        "FULFILLMENT_DELIVERY_CODE_KEY_FILE": ("delivery_code.key", _random_hex),
        "MEDIA_SIGNING_KEY_FILE": ("gcs_service_account.json", _service_account),
    }
    files = {}
    for variable, (name, make) in makers.items():
        files[variable] = state.secrets / name
        if not files[variable].exists():
            states.write_private(files[variable], make())
    return files


def _random_hex() -> str:
    return secrets.token_hex(32)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _signing_key() -> str:
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def _service_account() -> str:
    """Return a service account file in Google's shape around a throw-away key, for signing URLs locally."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "marketmesh-dev",
            "private_key_id": secrets.token_hex(20),
            "private_key": _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            "client_email": MEDIA_ACCOUNT,
            "client_id": "1",
            "token_uri": _TOKEN_URI,
        },
        indent=1,
    )
