"""Keys of services: each signs its tokens with a private half of its own; the public halves lie in a folder all can read.

A public half is called `<service>.pem`, the next one of a service that changes its key `<service>.<anything>.pem`: whose
key it is, only that name decides: a token's `kid` selects the key, and its `sub` must be the key's owner. Decision 35.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from meshkit.obs.logging import get_logger
from meshkit.principal import ISSUER, Audience
from meshkit.settings import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

SERVICE_TOKEN_SECONDS = 60
# A public half that was taken out of the folder counts no longer than this.
KEYS_KEPT_SECONDS = 60.0
_DIGITS = 16


@dataclass(frozen=True)
class ServiceKey:
    """The private half of one service's key."""

    service: str
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @cached_property
    def key_id(self) -> str:
        """Return the `kid` of its tokens."""
        return _key_id(self.service, self.private.public_key())

    def token(self, now: datetime) -> str:
        """Return a token with which the service calls others. On whose behalf it calls travels beside it."""
        issued_at = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": Audience.SERVICE.value,
            "sub": self.service,
            "iat": issued_at,
            "exp": issued_at + SERVICE_TOKEN_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self.private, algorithm="ES256", headers={"kid": self.key_id})


@dataclass
class PublicHalves:
    """The folder with everybody's public keys."""

    folder: Path
    # Why files of the last reading are no keys, by their names.
    unusable: dict[str, str] = field(default_factory=dict)
    _last: Mapping[str, Any] = field(default_factory=dict)

    def read(self) -> Mapping[str, Any]:
        """Return the keys by id. Raises SettingsInvalid for a folder without.

        A file that is no key gives none, as if it were missing: it is named in the log, and keeps nobody else from starting.
        """
        keys: dict[str, Any] = {}
        unusable: dict[str, str] = {}
        for file in sorted(self.folder.glob("*.pem")):
            try:
                key_id, key = _public_half(file)
            except (OSError, ValueError) as error:
                unusable[file.name] = str(error)
            else:
                keys[key_id] = key
        self._name(unusable)
        if not keys:
            raise SettingsInvalid(f"MESH_SERVICE_KEYS_FOLDER: there is no key <service>.pem in {self.folder}")
        self._last = keys
        return keys

    def _name(self, unusable: dict[str, str]) -> None:
        """Log each file that is no key, once: the folder is read again and again."""
        for name in unusable.keys() - self.unusable.keys():
            get_logger().error("service_keys.no_key", file=name, error=unusable[name])
        self.unusable = unusable

    def read_or_last(self) -> Mapping[str, Any]:
        """Return the same; while the folder has no key at all, for example because it is mounted anew, what it held before."""
        try:
            return self.read()
        except SettingsInvalid as error:
            get_logger().error("service_keys.unreadable", error=str(error))
            return self._last


def owner_of(key_id: str) -> str:
    """Return whose key it is; empty for a key of people's tokens."""
    service, slash, _ = key_id.partition("/")
    return service if slash else ""


def own_key(file: Path, *, service: str, known: Mapping[str, Any]) -> ServiceKey:
    """Return a service's private half. Raises SettingsInvalid if it is none, or others do not know it as this service's."""
    key = ServiceKey(service, _private_half(file))
    if key.key_id not in known:
        raise SettingsInvalid(
            f"MESH_SERVICE_KEY_FILE: its public half is not in MESH_SERVICE_KEYS_FOLDER under the name of {service}"
        )
    return key


def half_of(file: Path, *, known: Mapping[str, Any]) -> str:
    """Return the id of a private key's public half, empty if nobody knows it. Raises SettingsInvalid if it is none."""
    private = _private_half(file)
    return next((key_id for key_id in known if ServiceKey(owner_of(key_id), private).key_id == key_id), "")


def _private_half(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        private = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsInvalid(f"MESH_SERVICE_KEY_FILE: {file} holds no private key: {error}") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != ec.SECP256R1.name:
        raise SettingsInvalid(f"MESH_SERVICE_KEY_FILE: {file} holds no P-256 private key")
    return private


def _public_half(file: Path) -> tuple[str, Any]:
    """Return id and key. Raises OSError, and ValueError with what the file is not."""
    key: object
    try:
        key = load_pem_public_key(file.read_bytes())
    except UnsupportedAlgorithm:
        key = None
    except ValueError:
        raise ValueError("is no public key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != ec.SECP256R1.name:
        raise ValueError("is no P-256 public key")
    return _key_id(file.name.partition(".")[0], key), key


def _key_id(service: str, key: ec.EllipticCurvePublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"{service}/{hashlib.sha256(der).hexdigest()[:_DIGITS]}"
