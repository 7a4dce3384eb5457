"""Lets in what the media account has signed: V4 URLs for objects, its tokens for the JSON API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.dev.objects.refusals import Refused, denied

_ALGORITHM = "GOOG4-RSA-SHA256"
_SIGNATURE = "X-Goog-Signature"
_NEEDED = ("X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires", "X-Goog-SignedHeaders")
_LONGEST = timedelta(days=7)
_CLOCK_SKEW = timedelta(minutes=15)


class Gate:
    """Knows the account's public key and name."""

    def __init__(self, account_file: Path) -> None:
        account = json.loads(account_file.read_text())
        key = load_pem_private_key(account["private_key"].encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key.public_key()
        self._name = account["client_email"]

    def check_url(self, method: str, target: str, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the query of a signed URL. `headers` has lower-case names. Raises Refused."""
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = dict(pairs)
        if _SIGNATURE not in query:
            raise denied("Anonymous caller does not have access to the object.")
        if len(query) != len(pairs) or any(name not in query for name in _NEEDED):
            raise Refused(400, "InvalidArgument", "A parameter of the signature is missing or doubled.")
        if query["X-Goog-Algorithm"] != _ALGORITHM or query["X-Goog-Credential"].partition("/")[0] != self._name:
            raise denied("The signature is of another algorithm or account.")
        self._check_time(query)
        names = query["X-Goog-SignedHeaders"].split(";")
        _check_headers(names, headers)
        self._check_signature(_canonical(method, parts.path, query, names, headers), query)
        return query

    def check_token(self, authorization: str) -> None:
        """Raise Refused unless the header carries a token that the account signed for itself."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer":
            raise Refused(401, "AuthenticationRequired", "Anonymous caller does not have access to the bucket.")
        try:
            jwt.decode(token, self._key, algorithms=["RS256"], issuer=self._name, options={"verify_aud": False})
        except jwt.PyJWTError as error:
            raise Refused(401, "AuthenticationRequired", "Invalid Credentials") from error

    def _check_time(self, query: Mapping[str, str]) -> None:
        try:
            signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            lifetime = timedelta(seconds=int(query["X-Goog-Expires"]))
        except (ValueError, OverflowError) as error:
            raise Refused(400, "InvalidArgument", "X-Goog-Date or X-Goog-Expires cannot be read.") from error
        now = datetime.now(UTC)
        if not timedelta(0) < lifetime <= _LONGEST:
            raise Refused(400, "InvalidArgument", "X-Goog-Expires must be between 1 and 604800 seconds.")
        if now > signed_at + lifetime:
            raise Refused(400, "ExpiredToken", "The provided token has expired.")
        if now < signed_at - _CLOCK_SKEW:
            raise denied("Request is not valid yet.")

    def _check_signature(self, canonical: str, query: Mapping[str, str]) -> None:
        scope = query["X-Goog-Credential"].partition("/")[2]
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join([_ALGORITHM, query["X-Goog-Date"], scope, digest])
        try:
            self._key.verify(bytes.fromhex(query[_SIGNATURE]), text.encode(), padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError) as error:
            message = "The request signature we calculated does not match the signature you provided."
            raise Refused(403, "SignatureDoesNotMatch", message) from error


def _check_headers(names: list[str], headers: Mapping[str, str]) -> None:
    if "host" not in names:
        raise Refused(400, "MalformedSecurityHeader", "Host must be a signed header.")
    absent = [name for name in names if name not in headers]
    if absent:
        message = f"Header was included in signedheaders, but not in the request: {absent[0]}"
        raise Refused(400, "MalformedSecurityHeader", message)
    unsigned = sorted(name for name in headers if name.startswith("x-goog-") and name not in names)
    if unsigned:
        raise Refused(400, "MalformedSecurityHeader", f"Header was not included in signedheaders: {unsigned[0]}")


def _canonical(method: str, path: str, query: Mapping[str, str], names: list[str], headers: Mapping[str, str]) -> str:
    signed = sorted(
        (quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items() if name != _SIGNATURE
    )
    return "\n".join(
        [
            method,
            path,
            "&".join(f"{name}={value}" for name, value in signed),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            ";".join(names),
            "UNSIGNED-PAYLOAD",
        ]
    )
