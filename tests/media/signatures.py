"""Checks a V4 signed URL as Google's store does, at any instant, without the embedded store's code."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHM = "GOOG4-RSA-SHA256"
_SIGNATURE = "X-Goog-Signature"
_LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class StoreGate:
    """Lets in what the account has signed, until it expires."""

    account: Mapping[str, Any]

    def admits(self, url: str, *, method: str, at: datetime, headers: Mapping[str, str] | None = None) -> bool:
        """Return whether Google's store would serve the request at that instant."""
        query = dict(parse_qsl(urlsplit(url).query))
        if query.get("X-Goog-Algorithm") != _ALGORITHM or _SIGNATURE not in query:
            return False
        signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lifetime = timedelta(seconds=int(query["X-Goog-Expires"]))
        if lifetime > _LONGEST or not signed_at <= at <= signed_at + lifetime:
            return False
        return self._is_signed(url, query, method, headers or {})

    def _is_signed(self, url: str, query: dict[str, str], method: str, headers: Mapping[str, str]) -> bool:
        scope = query["X-Goog-Credential"].partition("/")[2]
        canonical = hashlib.sha256(_canonical(url, query, method, headers).encode()).hexdigest()
        text = "\n".join([_ALGORITHM, query["X-Goog-Date"], scope, canonical])
        key = load_pem_private_key(self.account["private_key"].encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        try:
            key.public_key().verify(bytes.fromhex(query[_SIGNATURE]), text.encode(), padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


def _canonical(url: str, query: dict[str, str], method: str, headers: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    known = {"host": parts.netloc, **headers}
    names = query["X-Goog-SignedHeaders"].split(";")
    unsigned = sorted((name, value) for name, value in query.items() if name != _SIGNATURE)
    return "\n".join(
        [
            method,
            parts.path,
            "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in unsigned),
            *(f"{name}:{known.get(name, '')}" for name in names),
            "",
            ";".join(names),
            "UNSIGNED-PAYLOAD",
        ]
    )
