"""What a quote is made of, all of one moment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tier:
    """A volume discount."""

    min_qty: int
    discount_basis_points: int


@dataclass(frozen=True, slots=True)
class QuotedProduct:
    """A product that exists, as it is now."""

    id: uuid.UUID
    store_id: uuid.UUID
    sku: str
    title: str
    category: str
    classification: str | None
    strain: str
    unit: str
    moq: int
    max_qty: int
    price_cents: int
    currency: str
    is_active: bool
    available_qty: int
    tiers: tuple[Tier, ...]
    thumbnail_media_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class QuotedPromo:
    """An active promo; `asked` is how it was asked for."""

    store_id: uuid.UUID
    code: str
    amount_cents: int
    asked: str
