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
# The name in the service tokens of people who call services from a command line of the mesh.
OPERATOR = "operator"
_DIGEST_KEY = "digest.key"
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


def key_files(state: states.State) -> dict[str, pathlib.Path]:
    """Return environment variable -> key file, whether it exists or not.

    A caller's private key stands under `private_key_of(caller)`: only its own process gets it, as MESH_SERVICE_KEY_FILE.
    """
    files = {variable: state.secrets / name for variable, (name, _) in _MAKERS.items()}
    private = {private_key_of(caller): state.secrets / f"service_{caller}.pem" for caller in (*SERVICES, OPERATOR)}
    return files | private | {"MESH_SERVICE_KEYS_FOLDER": state.secrets / "service_keys"}


def ensure_key_files(state: states.State) -> dict[str, pathlib.Path]:
    """Return `key_files`, generating those that are missing."""
    _keep_digests(state)
    files = key_files(state)
    for variable, (_, make) in _MAKERS.items():
        if not files[variable].exists():
            states.write_private(files[variable], make())
    folder = files["MESH_SERVICE_KEYS_FOLDER"]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for caller in (*SERVICES, OPERATOR):
        _ensure_pair(files[private_key_of(caller)], folder / f"{caller}.pem")
    return files


def _keep_digests(state: states.State) -> None:
    """Go on with the secret that services shared before each had a key of its own: anchors are signed with it."""
    shared = state.secrets / "service_token.key"
    if shared.exists():
        shared.rename(state.secrets / _DIGEST_KEY)


def _ensure_pair(private: pathlib.Path, public: pathlib.Path) -> None:
    """Make both halves unless there is a private one. A public half that is missing was taken away, and stays away."""
    if private.exists():
        return
    key = _signing_key()
    # In this order: whoever dies in between makes both again.
    states.write_private(public, _public_half(key))
    states.write_private(private, key)


def _public_half(private: str) -> str:
    key = serialization.load_pem_private_key(private.encode(), password=None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def private_key_of(caller: str) -> str:
    """Return the name under which key_files gives a caller's private key."""
    return f"{caller.upper()}_SERVICE_KEY_FILE"


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


# Environment variable -> name in the folder of secrets, and what makes it.
_MAKERS = {
    "MESH_DIGEST_KEY_FILE": (_DIGEST_KEY, _random_hex),
    "IDENTITY_SIGNING_KEY_FILE": ("jwt_es256.pem", _signing_key),
    "ADS_TOKEN_KEY_FILE": ("ads_token.key", _random_hex),
    "FULFILLMENT_DELIVERY_CODE_KEY_FILE": ("delivery_code.key", _random_hex),
    "MEDIA_SIGNING_KEY_FILE": ("gcs_service_account.json", _service_account),
}
