"""What proves that a buyer has the goods."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid

# Wrong codes after which only an administrator gives the buyer another one. A guess is right once in a million.
MAX_CODE_FAILURES = 5
_DIGITS = 6


class ProofKind(StrEnum):
    """A way to prove a delivery."""

    PHOTO = "photo"
    SIGNATURE = "signature"
    CODE = "code"


# Proofs that are files.
FILES = frozenset({ProofKind.PHOTO, ProofKind.SIGNATURE})


class ProofPolicy(StrEnum):
    """What a deployment demands of its agents."""

    NONE = "none"
    ANY = "any"
    PHOTO = "photo"
    SIGNATURE = "signature"
    CODE = "code"

    def is_met_by(self, kind: ProofKind | None) -> bool:
        """Return whether a delivery with that proof, or with none, is accepted."""
        if self is ProofPolicy.NONE:
            return True
        return kind is not None and self in {ProofPolicy.ANY, kind.value}


@dataclass(frozen=True)
class Proof:
    """What an agent shows: a file or a code."""

    kind: ProofKind
    media_id: uuid.UUID | None = None
    code: str = ""


def delivery_code(key: bytes, *, order_id: uuid.UUID, issue: int) -> str:
    """Return the six digits of an order's code; `issue` counts the codes that the order has had.

    Derived and never stored: a hash of six digits is found by trying a million of them.
    """
    digest = hmac.digest(key, f"delivery-code:{order_id}:{issue}".encode(), hashlib.sha256)
    return f"{int.from_bytes(digest[:16]) % 10**_DIGITS:0{_DIGITS}d}"


def is_code(entered: str, expected: str) -> bool:
    """Compare in a time that says nothing about where they differ."""
    return hmac.compare_digest(entered.encode(), expected.encode())
