"""SQL about products, as they are written, listed and quoted."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
)

from meshkit.cursor import Cursor
from meshkit.db.rows import columns_of
from meshkit.db.sql import compiled, sql
from services.catalog.products.domain.filters import Filters
from services.catalog.products.domain.product import VolumeTier
from services.catalog.schema import (
    SIMPLE,
    inventory_items,
    product_media,
    products,
    promos,
    store_gates,
    volume_discounts,
)
from services.catalog.store_gates.domain.visibility import VisibilityFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.catalog.products.data.product_sheets import SheetProduct


class ListedProduct(NamedTuple):
    """What a list shows of a product, of its stock and of its vendor (None: identity has announced no such store)."""

    id: uuid.UUID
    store_id: uuid.UUID
    sku: str
    title: str
    subtitle: str
    category: str
    classification: str | None
    unit: str
    moq: int
    max_qty: int
    price_cents: int
    compare_at_price_cents: int
    currency: str
    thc_basis_points: int | None
    cbd_basis_points: int | None
    coa_media_id: uuid.UUID | None
    is_active: bool
    is_featured: bool
    created_at: datetime
    updated_at: datetime
    available_qty: int
    reserved_qty: int
    low_stock_threshold: int
    vendor_name: str | None
    vendor_state: str | None
    vendor_logo_media_id: uuid.UUID | None
    has_promo: bool
    thumbnail_media_id: uuid.UUID | None


class WholeProduct(NamedTuple):
    """As a list shows it, and everything else that its vendor says of it."""

    id: uuid.UUID
    store_id: uuid.UUID
    sku: str
    title: str
    subtitle: str
    category: str
    classification: str | None
    unit: str
    moq: int
    max_qty: int
    price_cents: int
    compare_at_price_cents: int
    currency: str
    thc_basis_points: int | None
    cbd_basis_points: int | None
    coa_media_id: uuid.UUID | None
    is_active: bool
    is_featured: bool
    created_at: datetime
    updated_at: datetime
    available_qty: int
    reserved_qty: int
    low_stock_threshold: int
    vendor_name: str | None
    vendor_state: str | None
    vendor_logo_media_id: uuid.UUID | None
    has_promo: bool
    thumbnail_media_id: uuid.UUID | None
    body_html: str
    strain: str
    feelings: list[str]
    flavors: list[str]
    usages: list[str]
    batch_id: str
    metric_tag: str
    barcode: str
    packaging_type: str


ShownProduct: TypeAlias = ListedProduct | WholeProduct


class VolumeDiscount(NamedTuple):
    """From `min_qty` units on, every unit of a product costs `discount_basis_points` less."""

    product_id: uuid.UUID
    min_qty: int
    discount_basis_points: int


# SQLAlchemy does not know the columns of a statement that is put together; the class of its rows names them.
_Statement: TypeAlias = Select[Any]
# Cheaper in quantity, or by a code of its vendor: as a filter, and as a column. With a limit the planner looks each shown
# product up, without one it may read the whole table for a page of twenty.
_IN_QUANTITY = select(volume_discounts.c.min_qty).where(volume_discounts.c.product_id == products.c.id)
_BY_CODE = select(promos.c.id).where(promos.c.store_id == products.c.store_id, promos.c.is_active)
_WITH_PROMO = or_(exists(_IN_QUANTITY), exists(_BY_CODE))
_HAS_PROMO = or_(
    *(found.limit(literal_column("1")).scalar_subquery().is_not(None) for found in (_IN_QUANTITY, _BY_CODE))
)
_THUMBNAIL = (
    select(product_media.c.media_id)
    .where(product_media.c.product_id == products.c.id)
    .order_by(product_media.c.position)
    .limit(literal_column("1"))
    .scalar_subquery()
)
# What is shown of a product, by the names of its row classes.
_SHOWN: dict[str, ColumnElement[Any]] = {
    **{column.name: column for column in products.c},
    "available_qty": inventory_items.c.available_qty,
    "reserved_qty": inventory_items.c.reserved_qty,
    "low_stock_threshold": inventory_items.c.low_stock_threshold,
    "vendor_name": store_gates.c.name.label("vendor_name"),
    "vendor_state": store_gates.c.state.label("vendor_state"),
    "vendor_logo_media_id": store_gates.c.logo_media_id.label("vendor_logo_media_id"),
    "has_promo": _HAS_PROMO.label("has_promo"),
    "thumbnail_media_id": _THUMBNAIL.label("thumbnail_media_id"),
}
_IS_VISIBLE = and_(
    store_gates.c.type == "vendor", store_gates.c.kyc_status == "verified", store_gates.c.subscription_active
)


def add(tx: Tx, **columns: object) -> None:
    """Insert a product. Raises IntegrityError on products_store_id_sku_key."""
    tx.execute(insert(products).values(created_at=tx.now, updated_at=tx.now, **columns))


def add_tiers(tx: Tx, product_id: uuid.UUID, tiers: Sequence[VolumeTier]) -> None:
    """Insert a product's volume discounts."""
    if tiers:
        tx.execute(insert(volume_discounts).values([{"product_id": product_id, **vars(tier)} for tier in tiers]))


def add_media(tx: Tx, product_id: uuid.UUID, files: Sequence[tuple[uuid.UUID, str]]) -> None:
    """Insert a product's gallery: media ids with their object keys, in order."""
    values = [
        {"product_id": product_id, "position": position, "media_id": media_id, "gcs_key": gcs_key}
        for position, (media_id, gcs_key) in enumerate(files)
    ]
    if values:
        tx.execute(insert(product_media).values(values))


def exists_with_id(tx: Tx, product_id: uuid.UUID) -> bool:
    """Return whether there is such a product."""
    return tx.execute(_EXISTS, {"product_id": product_id}).first() is not None


def is_sku_taken(tx: Tx, *, store_id: uuid.UUID, sku: str) -> bool:
    """Return whether the store has a product with that SKU."""
    return tx.execute(_IS_SKU_TAKEN, {"store_id": store_id, "sku": sku}).first() is not None


def find(tx: Tx, product_id: uuid.UUID) -> WholeProduct | None:
    """Return a product with its inventory and vendor, whoever asks, or None."""
    return tx.execute(_FIND, {"product_id": product_id}).one_or_none()


def tiers_of(tx: Tx, product_ids: Sequence[uuid.UUID]) -> list[VolumeDiscount]:
    """Return the volume discounts of products, smallest quantity first."""
    return tx.execute(_TIERS, {"product_ids": product_ids}).all()


def tiers_by_product(tx: Tx, product_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[VolumeTier, ...]]:
    """Return the volume discounts of each of the products, smallest quantity first."""
    tiers: dict[uuid.UUID, list[VolumeTier]] = {product_id: [] for product_id in product_ids}
    for tier in tiers_of(tx, product_ids) if product_ids else ():
        tiers[tier.product_id].append(VolumeTier(tier.min_qty, tier.discount_basis_points))
    return {product_id: tuple(each) for product_id, each in tiers.items()}


def media_ids_of(tx: Tx, product_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the gallery of a product, in order."""
    return tx.execute(_MEDIA, {"product_id": product_id}).all()


def page_of_listed(tx: Tx, *, state: str, filters: Filters, page: Page) -> list[ListedProduct]:
    """Return active products of the visible vendors of a state, newest first, one more than the page."""
    statement = _shown(ListedProduct).where(products.c.is_active, _IS_VISIBLE, store_gates.c.state == state)
    return _page(tx, statement, filters, page)


def page_of_store(tx: Tx, store_id: uuid.UUID, *, filters: Filters, page: Page) -> list[ListedProduct]:
    """Return a store's own products, newest first, one more than the page."""
    return _page(
        tx, _shown(ListedProduct).where(products.c.store_id == store_id, products.c.deleted_at.is_(None)), filters, page
    )


def page_of_stock(tx: Tx, store_id: uuid.UUID, *, low_stock_only: bool, page: Page) -> list[ListedProduct]:
    """Return a store's own products with their stock, newest first, one more than the page."""
    statement = _shown(ListedProduct).where(products.c.store_id == store_id, products.c.deleted_at.is_(None))
    if low_stock_only:
        statement = statement.where(inventory_items.c.available_qty <= inventory_items.c.low_stock_threshold)
    return _page(tx, statement, Filters(), page)


def visibility_of(tx: Tx, product_id: uuid.UUID) -> VisibilityFacts | None:
    """Return what decides who sees a product, with its vendor's gate and since when each is so, or None."""
    return tx.execute(_VISIBILITY, {"product_id": product_id}).one_or_none()


def cursor_of(row: ListedProduct | SheetProduct) -> Cursor:
    """Return the sort key of a product."""
    return Cursor(row.created_at, row.id)


def _shown(row: type[ListedProduct | WholeProduct]) -> _Statement:
    return (
        select(*(_SHOWN[name] for name in row._fields))
        .join(inventory_items, inventory_items.c.product_id == products.c.id)
        .outerjoin(store_gates, store_gates.c.store_id == products.c.store_id)
    )


def _page(tx: Tx, statement: _Statement, filters: Filters, page: Page) -> list[ListedProduct]:
    statement = _filtered(statement, filters)
    if page.after:
        statement = statement.where(tuple_(products.c.created_at, products.c.id) < (page.after.at, page.after.id))
    statement = statement.order_by(products.c.created_at.desc(), products.c.id.desc()).limit(page.fetch)
    return tx.fetch(statement, ListedProduct).all()


def _filtered(statement: _Statement, filters: Filters) -> _Statement:
    if filters.category:
        statement = statement.where(products.c.category == filters.category)
    if filters.classification:
        statement = statement.where(products.c.classification == filters.classification)
    bounds = (
        (products.c.price_cents, filters.price_min_cents, filters.price_max_cents),
        (products.c.thc_basis_points, filters.thc_min, filters.thc_max),
        (products.c.cbd_basis_points, filters.cbd_min, filters.cbd_max),
    )
    for column, low, high in bounds:
        if low is not None:
            statement = statement.where(column >= low)
        if high is not None:
            statement = statement.where(column <= high)
    if filters.has_promo:
        statement = statement.where(_WITH_PROMO)
    return statement.where(products.c.id.in_(_found(filters))) if filters.words else statement


def _found(filters: Filters) -> _Statement:
    """Return the ids of products with whole words or beginnings of words, or something that looks much like it.

    Materialized: the planner would rather walk the newest products, which takes long when few match.
    """
    vector = func.to_tsvector(SIMPLE, products.c.search_words)
    words = vector.op("@@")(func.to_tsquery(SIMPLE, filters.prefixes))
    likeness = products.c.search_words.op("%>")(filters.words)
    found = select(products.c.id).where(or_(words, likeness)).cte("found").prefix_with("MATERIALIZED")
    return select(found.c.id)


_FIND = compiled(
    _shown(WholeProduct).where(products.c.id == bindparam("product_id"), products.c.deleted_at.is_(None)),
    WholeProduct,
)
_EXISTS = sql("SELECT id FROM products WHERE id = :product_id", uuid.UUID)
_IS_SKU_TAKEN = sql(
    "SELECT id FROM products WHERE store_id = :store_id AND sku = :sku AND deleted_at IS NULL", uuid.UUID
)
# A product that was never switched on or off is as it was created.
_VISIBILITY = sql(
    """
    SELECT p.store_id, p.is_active, coalesce(p.active_changed_at, p.created_at) AS active_since,
           i.available_qty >= p.moq AS in_stock, g.store_id IS NOT NULL AS is_known, g.type, g.state, g.kyc_status,
           g.subscription_active, g.type_since, g.state_since, g.kyc_status_since, g.subscription_active_since
    FROM products p JOIN inventory_items i ON i.product_id = p.id
    LEFT JOIN store_gates g ON g.store_id = p.store_id
    WHERE p.id = :product_id AND p.deleted_at IS NULL
    """,
    VisibilityFacts,
)
_OF_PRODUCTS = any_(bindparam("product_ids", type_=ARRAY(Uuid)))
_TIERS = compiled(
    select(*columns_of(volume_discounts, VolumeDiscount))
    .where(volume_discounts.c.product_id == _OF_PRODUCTS)
    .order_by(volume_discounts.c.product_id, volume_discounts.c.min_qty),
    VolumeDiscount,
)
_MEDIA = compiled(
    select(product_media.c.media_id)
    .where(product_media.c.product_id == bindparam("product_id"))
    .order_by(product_media.c.position),
    uuid.UUID,
)
