"""Turns requests into what the use cases take."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from marketmesh.catalog.v1 import product_pb2
from meshkit.errors import ValidationError
from meshkit.ids import parse_id
from services.catalog.products.domain.filters import Filters
from services.catalog.products.domain.percent import parse_percent
from services.catalog.products.domain.product import Description, NewProduct, ProductChange, VolumeTier, sku_of
from services.catalog.products.domain.search import plain_words, prefix_query
from services.catalog.stock.domain.stock import MAX_UNITS

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Iterable

    from marketmesh.catalog.v1 import product_service_pb2
    from services.catalog.products.domain.product import ProductColumns

T = TypeVar("T")
# Fields of an update that are columns as they come, and those whose numbers stand for words.
_PLAIN = (
    "sku", "title", "subtitle", "body_html", "strain", "moq", "max_qty", "price_cents", "compare_at_price_cents",
    "is_active", "is_featured", "batch_id", "metric_tag", "barcode", "packaging_type",
)  # fmt: skip
_WORDS: dict[str, Callable[[int], str]] = {
    "category": product_pb2.Category.Value.Name,
    "unit": product_pb2.Unit.Value.Name,
}
_WORD_LISTS: tuple[tuple[str, str, Callable[[int], str]], ...] = (
    ("feelings", "feelings", product_pb2.Feeling.Value.Name),
    ("flavors", "flavors", product_pb2.Flavor.Value.Name),
    ("usage", "usages", product_pb2.Usage.Value.Name),
)


def filters_of(request: product_service_pb2.ListProductsRequest) -> Filters:
    """Return what a reader asks for: what is absent means any, zero is a bound like others.

    Raises ValidationError for a text without a word.
    """
    words = plain_words(request.q)
    if request.q.strip() and not words:
        raise ValidationError.of("q", "holds no letter and no digit")
    return Filters(
        category=product_pb2.Category.Value.Name(request.category) if request.category else "",
        classification=_classification(request.classification) or "",
        price_min_cents=_given(request, "price_min_cents", request.price_min_cents),
        price_max_cents=_given(request, "price_max_cents", request.price_max_cents),
        thc_min=_basis_points(_given(request, "thc_min", request.thc_min)),
        thc_max=_basis_points(_given(request, "thc_max", request.thc_max)),
        cbd_min=_basis_points(_given(request, "cbd_min", request.cbd_min)),
        cbd_max=_basis_points(_given(request, "cbd_max", request.cbd_max)),
        has_promo=request.has_promo,
        words=words,
        prefixes=prefix_query(words),
    )


def new_product_of(request: product_service_pb2.CreateProductRequest) -> NewProduct:
    """Return the product that a vendor describes. Raises ValidationError for stock that is not possible."""
    if request.inventory.reserved_qty:
        raise ValidationError.of("inventory.reserved_qty", "must be 0: only orders reserve")
    return NewProduct(
        description=_description(request),
        available_qty=checked_units(request.inventory.available_qty, field="inventory.available_qty"),
        low_stock_threshold=request.inventory.low_stock_threshold,
        tiers=_tiers(request.volume_discounts),
        media_ids=tuple(parse_id(media_id, field="media_ids") for media_id in request.media_ids),
        coa_media_id=_coa(request.coa_media_id),
    )


def product_change_of(request: product_service_pb2.UpdateProductRequest) -> ProductChange:
    """Return what a vendor wants different: only what the request has."""
    columns = _plain_columns(request)
    for name, word_of in _WORDS.items():
        if request.HasField(name):
            columns[name] = word_of(getattr(request, name))
    if request.HasField("classification"):
        columns["classification"] = _classification(request.classification)
    for name in ("thc", "cbd"):
        if request.HasField(f"{name}_percent"):
            percent = getattr(request, f"{name}_percent")
            columns[f"{name}_basis_points"] = parse_percent(percent) if percent else None
    for name, column, word_of in _WORD_LISTS:
        if values := getattr(request, name):
            columns[column] = [word_of(value) for value in values]
    if request.HasField("coa_media_id"):
        columns["coa_media_id"] = _coa(request.coa_media_id)
    stock = request.inventory
    if request.HasField("inventory") and not stock.ListFields():
        raise ValidationError.of("inventory", "must name available_qty, low_stock_threshold or both")
    return ProductChange(
        # The columns of an update are those of `ProductColumns`, name for name.
        columns=cast("ProductColumns", columns),
        tiers=_tiers(request.volume_discounts.items) if request.HasField("volume_discounts") else None,
        media_ids=tuple(parse_id(each, field="gallery.media_ids") for each in request.gallery.media_ids)
        if request.HasField("gallery")
        else None,
        available_qty=checked_units(stock.available_qty, field="inventory.available_qty")
        if stock.HasField("available_qty")
        else None,
        low_stock_threshold=stock.low_stock_threshold if stock.HasField("low_stock_threshold") else None,
    )


def _plain_columns(request: product_service_pb2.UpdateProductRequest) -> dict[str, object]:
    columns: dict[str, object] = {name: getattr(request, name) for name in _PLAIN if request.HasField(name)}
    return {**columns, "sku": sku_of(request.sku)} if "sku" in columns else columns


def checked_units(quantity: int, *, field: str) -> int:
    """Return a number of units. Raises ValidationError for more than any warehouse has."""
    if quantity > MAX_UNITS:
        raise ValidationError.of(field, f"must be at most {MAX_UNITS}")
    return quantity


def _tiers(items: Iterable[product_pb2.VolumeDiscount]) -> tuple[VolumeTier, ...]:
    return tuple(VolumeTier(tier.min_qty, parse_percent(tier.discount_percent)) for tier in items)


def _description(request: product_service_pb2.CreateProductRequest) -> Description:
    return Description(
        sku=sku_of(request.sku),
        title=request.title,
        subtitle=request.subtitle,
        body_html=request.body_html,
        strain=request.strain,
        category=product_pb2.Category.Value.Name(request.category),
        classification=_classification(request.classification),
        unit=product_pb2.Unit.Value.Name(request.unit),
        feelings=[product_pb2.Feeling.Value.Name(word) for word in request.feelings],
        flavors=[product_pb2.Flavor.Value.Name(word) for word in request.flavors],
        usages=[product_pb2.Usage.Value.Name(word) for word in request.usage],
        moq=request.moq,
        max_qty=request.max_qty,
        price_cents=request.price_cents,
        compare_at_price_cents=request.compare_at_price_cents,
        thc_basis_points=parse_percent(request.thc_percent) if request.thc_percent else None,
        cbd_basis_points=parse_percent(request.cbd_percent) if request.cbd_percent else None,
        is_active=request.is_active if request.HasField("is_active") else True,
        is_featured=request.is_featured,
        batch_id=request.batch_id,
        metric_tag=request.metric_tag,
        barcode=request.barcode,
        packaging_type=request.packaging_type,
    )


def _coa(text: str) -> uuid.UUID | None:
    return parse_id(text, field="coa_media_id") if text else None


def _classification(value: product_pb2.Classification.Value) -> str | None:
    return product_pb2.Classification.Value.Name(value) if value else None


def _given(request: product_service_pb2.ListProductsRequest, name: str, value: T) -> T | None:
    return value if request.HasField(name) else None


def _basis_points(percent: float | None) -> int | None:
    return None if percent is None else round(percent * 100)
