"""Which attribution tokens of a quote are kept. They are opaque here: ads verifies them when it attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TOKENS = 50
MAX_TOKEN_BYTES = 2048


def keep_tokens(tokens: Iterable[str]) -> list[str]:
    """Return the first 50 different tokens that are not empty and not too long; the rest is dropped, which is no error."""
    usable = (token for token in tokens if token and len(token.encode()) <= MAX_TOKEN_BYTES)
    return list(dict.fromkeys(usable))[:MAX_TOKENS]
