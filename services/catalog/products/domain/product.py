"""The words that describe a product (REQUIREMENTS A.3), and what a new one consists of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

from meshkit.errors import ValidationError
from meshkit.text import tidy_code

if TYPE_CHECKING:
    import uuid

CURRENCY = "USD"
SKU_MAX = 100


class Category(StrEnum):
    """What kind of goods it is."""

    FLOWER = "flower"
    CART = "cart"
    PRE_ROLL = "pre_roll"
    EDIBLE = "edible"
    CONCENTRATE = "concentrate"
    BEVERAGE = "beverage"
    VAPE = "vape"
    TOPICAL = "topical"
    TINCTURE = "tincture"
    SEED = "seed"
    SEEDLING = "seedling"
    ACCESSORY = "accessory"


class Classification(StrEnum):
    """Which line of plants it comes from."""

    SATIVA = "sativa"
    HYBRID = "hybrid"
    INDICA = "indica"
    CBD = "cbd"
    HEMP = "hemp"
    BALANCED = "balanced"


class Unit(StrEnum):
    """What one of it is."""

    UNIT = "unit"
    GRAM = "gram"
    OUNCE = "ounce"
    POUND = "pound"
    EIGHTH = "eighth"
    SIXTEENTH = "sixteenth"


class Flavor(StrEnum):
    """What it tastes of."""

    EARTHY = "earthy"
    CITRUS = "citrus"
    FRUITY = "fruity"
    FLORAL = "floral"
    CHEESE = "cheese"
    DIESEL = "diesel"
    SPICY = "spicy"
    SWEET = "sweet"
    PINE = "pine"
    HERBAL = "herbal"


class Feeling(StrEnum):
    """How one feels after it."""

    RELAXED = "relaxed"
    HAPPY = "happy"
    EUPHORIC = "euphoric"
    FOCUSED = "focused"
    HUNGRY = "hungry"
    TALKATIVE = "talkative"
    CREATIVE = "creative"
    SLEEPY = "sleepy"
    UPLIFTED = "uplifted"
    CALM = "calm"


class Usage(StrEnum):
    """What it is taken for."""

    STRESS_RELIEF = "stress_relief"
    PAIN_RELIEF = "pain_relief"
    SLEEP = "sleep"
    DEPRESSION = "depression"
    MUSCLE_RELAXANT = "muscle_relaxant"
    NAUSEA = "nausea"
    ANXIETY = "anxiety"
    APPETITE_STIMULATION = "appetite_stimulation"


@dataclass(frozen=True)
class Description:
    """What a vendor says about a product. Percentages are basis points; None means not stated."""

    sku: str
    title: str
    subtitle: str
    body_html: str
    strain: str
    category: str
    classification: str | None
    unit: str
    feelings: list[str]
    flavors: list[str]
    usages: list[str]
    moq: int
    max_qty: int
    price_cents: int
    compare_at_price_cents: int
    thc_basis_points: int | None
    cbd_basis_points: int | None
    is_active: bool
    is_featured: bool
    batch_id: str
    metric_tag: str
    barcode: str
    packaging_type: str


@dataclass(frozen=True)
class VolumeTier:
    """From `min_qty` units on, every unit costs `discount_basis_points` less."""

    min_qty: int
    discount_basis_points: int


@dataclass(frozen=True)
class NewProduct:
    """Everything a product starts with."""

    description: Description
    available_qty: int
    low_stock_threshold: int
    tiers: tuple[VolumeTier, ...]
    media_ids: tuple[uuid.UUID, ...]
    coa_media_id: uuid.UUID | None


class ProductColumns(TypedDict, total=False):
    """Columns of a product that a vendor changes; those that it does not name are missing."""

    sku: str
    title: str
    subtitle: str
    body_html: str
    strain: str
    category: str
    classification: str | None
    unit: str
    feelings: list[str]
    flavors: list[str]
    usages: list[str]
    moq: int
    max_qty: int
    price_cents: int
    compare_at_price_cents: int
    thc_basis_points: int | None
    cbd_basis_points: int | None
    coa_media_id: uuid.UUID | None
    is_active: bool
    is_featured: bool
    batch_id: str
    metric_tag: str
    barcode: str
    packaging_type: str


@dataclass(frozen=True)
class ProductChange:
    """What a vendor wants different: columns of the product, and tiers or gallery as a whole unless None.

    Of the stock, what is not None.
    """

    columns: ProductColumns
    tiers: tuple[VolumeTier, ...] | None
    media_ids: tuple[uuid.UUID, ...] | None
    available_qty: int | None
    low_stock_threshold: int | None

    @property
    def has_files(self) -> bool:
        """Whether media has to be asked."""
        return self.media_ids is not None or "coa_media_id" in self.columns


def check_quantities(*, moq: int, max_qty: int) -> None:
    """Raise ValidationError when the least that must be bought is more than the most that may be."""
    if max_qty and max_qty < moq:
        raise ValidationError.of("max_qty", "must be 0 (no limit) or at least moq")


def sku_of(typed: str) -> str:
    """Return a SKU in its one spelling.

    Raises ValidationError when that is too long, since some signs stand for several letters, or shows nothing.
    """
    sku = tidy_code(typed)
    if not sku:
        raise ValidationError.of("sku", "must have something that can be seen")
    if len(sku) > SKU_MAX:
        raise ValidationError.of("sku", f"must have at most {SKU_MAX} characters")
    return sku


def check_tiers(tiers: tuple[VolumeTier, ...]) -> None:
    """Raise ValidationError when two tiers begin at the same quantity."""
    seen: set[int] = set()
    for tier in tiers:
        if tier.min_qty in seen:
            raise ValidationError.of("volume_discounts", f"two tiers begin at {tier.min_qty} units")
        seen.add(tier.min_qty)
