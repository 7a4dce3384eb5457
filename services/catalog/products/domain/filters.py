"""What a reader of products asks for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Filters:
    """What a reader asks for; None and empty mean any. Percentages are basis points, `words` are plain words."""

    category: str = ""
    classification: str = ""
    price_min_cents: int | None = None
    price_max_cents: int | None = None
    thc_min: int | None = None
    thc_max: int | None = None
    cbd_min: int | None = None
    cbd_max: int | None = None
    has_promo: bool = False
    words: str = ""
    prefixes: str = ""
