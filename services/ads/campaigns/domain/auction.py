"""Which ad wins a placement: the highest bid, ties by a hash nobody can steer (REQUIREMENTS A.7.4)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


def choose_winner(candidates: Sequence[Any], *, request_id: str, placement: str, day: date) -> Any | None:
    """Return the candidate with the highest `bid_cents`, or None without candidates."""
    if not candidates:
        return None
    return min(candidates, key=lambda ad: (-ad.bid_cents, _tie(request_id, placement, day, str(ad.id))))


def _tie(request_id: str, placement: str, day: date, ad_id: str) -> bytes:
    """Return the first 8 bytes of SHA-256 over the four parts joined by vertical bars; the lowest wins."""
    return hashlib.sha256("|".join((request_id, placement, day.strftime("%Y%m%d"), ad_id)).encode()).digest()[:8]
