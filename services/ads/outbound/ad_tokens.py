"""Signs what an ad's view or click will bring back: nobody can invent one (REQUIREMENTS A.7.4, tokens)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from pathlib import Path

LIFETIME = timedelta(days=30)
_VERSION = 2


@dataclass(frozen=True)
class Shown:
    """An ad, and the creative of it that a buyer sees."""

    ad_id: uuid.UUID
    creative_id: uuid.UUID
    placement: str
    target_type: str
    target_id: uuid.UUID
    destination_url: str


class AdTokens:
    """Mints HS256 tokens with a secret of the ads service."""

    def __init__(self, *, key_file: Path) -> None:
        self._key = key_file.read_text().strip()

    def mint(self, event_type: str, shown: Shown, *, buyer_store_id: uuid.UUID, request_id: str, now: datetime) -> str:
        """Return the token of one event (`impression` or `click`) of one served ad; lives 30 days.

        Buyers can read it, so it does not say what the vendor pays (decision 31).
        """
        claims = {
            "version": _VERSION,
            "token_id": uuid.uuid4().hex,
            "event_type": event_type,
            "ad_id": str(shown.ad_id),
            "creative_id": str(shown.creative_id),
            "placement": shown.placement,
            "target_type": shown.target_type,
            "target_id": str(shown.target_id),
            "buyer_store_id": str(buyer_store_id),
            "request_id": request_id,
            "destination_url": shown.destination_url,
            "occurred_at": int(now.timestamp()),
            "expires_at": int((now + LIFETIME).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")
