"""SQL about products, as they are written, listed and quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from meshkit.db.sql import compiled, sql
from services.catalog.products.domain.filters import Filters
from services.catalog.schema import (
    MARKS,
    SIMPLE,
    inventory_items,
    product_media,
    products,
    promos,
    store_gates,
    volume_discounts,
)

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.catalog.products.domain.product import VolumeTier

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
_NOT_SHOWN = {"body_html", "search_words", "gallery_flow", "active_changed_at", "deleted_at", *MARKS}
# What a list shows: not the long texts.
_SUMMARY = [column for column in products.c if column.name not in _NOT_SHOWN]
_IS_VISIBLE = and_(
    store_gates.c.type == "vendor", store_gates.c.kyc_status == "verified", store_gates.c.subscription_active
)


def add(tx: Tx, **columns: Any) -> None:
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
    return tx.execute(select(products.c.id).where(products.c.id == product_id)).first() is not None


def is_of_store(tx: Tx, product_id: uuid.UUID, *, store_id: uuid.UUID) -> bool:
    """Return whether a product is the store's own."""
    statement = select(products.c.id).where(
        products.c.id == product_id, products.c.store_id == store_id, products.c.deleted_at.is_(None)
    )
    return tx.execute(statement).first() is not None


def is_sku_taken(tx: Tx, *, store_id: uuid.UUID, sku: str) -> bool:
    """Return whether the store has a product with that SKU."""
    statement = select(products.c.id).where(
        products.c.store_id == store_id, products.c.sku == sku, products.c.deleted_at.is_(None)
    )
    return tx.execute(statement).first() is not None


def find(tx: Tx, product_id: uuid.UUID) -> Any | None:
    """Return a product with its inventory and vendor, whoever may see it, or None."""
    return tx.execute(_FIND, {"product_id": product_id}).one_or_none()


def tiers_of(tx: Tx, product_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Return `product_id, min_qty, discount_basis_points` of products, smallest quantity first."""
    rows: Sequence[Any] = tx.execute(_TIERS, {"product_ids": product_ids}).all()
    return rows


def media_ids_of(tx: Tx, product_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the gallery of a product, in order."""
    ids: list[uuid.UUID] = tx.execute(_MEDIA, {"product_id": product_id}).scalars()
    return ids


def named(tx: Tx, product_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Return `id, store_id, sku, title` of products, deleted or not."""
    rows: Sequence[Any] = tx.execute(_NAMED, {"product_ids": product_ids}).all()
    return rows


def page_of_listed(tx: Tx, *, state: str, filters: Filters, page: Page) -> Sequence[Any]:
    """Return active products of the visible vendors of a state, newest first, one more than the page."""
    statement = _shown().where(products.c.is_active, _IS_VISIBLE, store_gates.c.state == state)
    return _page(tx, statement, filters, page)


def page_of_store(tx: Tx, store_id: uuid.UUID, *, filters: Filters, page: Page) -> Sequence[Any]:
    """Return a store's own products, newest first, one more than the page."""
    return _page(tx, _shown().where(products.c.store_id == store_id, products.c.deleted_at.is_(None)), filters, page)


def page_of_stock(tx: Tx, store_id: uuid.UUID, *, low_stock_only: bool, page: Page) -> Sequence[Any]:
    """Return a store's own products with their stock, newest first, one more than the page."""
    statement = _shown().where(products.c.store_id == store_id, products.c.deleted_at.is_(None))
    if low_stock_only:
        statement = statement.where(inventory_items.c.available_qty <= inventory_items.c.low_stock_threshold)
    return _page(tx, statement, Filters(), page)


def visibility_of(tx: Tx, product_id: uuid.UUID) -> Any | None:
    """Return what decides who sees a product, with its vendor's gate and since when each is so, or None."""
    return tx.execute(_VISIBILITY, {"product_id": product_id}).one_or_none()


def cursor_of(row: Any) -> Cursor:
    """Return the sort key of a product."""
    return Cursor(row.created_at, row.id)


def _shown(*more: Any) -> Select[Any]:
    return (
        select(
            *_SUMMARY,
            *more,
            inventory_items.c.available_qty,
            inventory_items.c.reserved_qty,
            inventory_items.c.low_stock_threshold,
            store_gates.c.name.label("vendor_name"),
            store_gates.c.state.label("vendor_state"),
            store_gates.c.logo_media_id.label("vendor_logo_media_id"),
            _HAS_PROMO.label("has_promo"),
            _THUMBNAIL.label("thumbnail_media_id"),
        )
        .join(inventory_items, inventory_items.c.product_id == products.c.id)
        .outerjoin(store_gates, store_gates.c.store_id == products.c.store_id)
    )


def _page(tx: Tx, statement: Select[Any], filters: Filters, page: Page) -> Sequence[Any]:
    statement = _filtered(statement, filters)
    if page.after:
        statement = statement.where(tuple_(products.c.created_at, products.c.id) < (page.after.at, page.after.id))
    statement = statement.order_by(products.c.created_at.desc(), products.c.id.desc()).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def _filtered(statement: Select[Any], filters: Filters) -> Select[Any]:
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


def _found(filters: Filters) -> Select[Any]:
    """Return the ids of products with whole words or beginnings of words, or something that looks much like it.

    Materialized: the planner would rather walk the newest products, which takes long when few match.
    """
    vector = func.to_tsvector(SIMPLE, products.c.search_words)
    words = vector.op("@@")(func.to_tsquery(SIMPLE, filters.prefixes))
    likeness = products.c.search_words.op("%>")(filters.words)
    found = select(products.c.id).where(or_(words, likeness)).cte("found").prefix_with("MATERIALIZED")
    return select(found.c.id)


_FIND = compiled(
    _shown(products.c.body_html, *(products.c[mark] for mark in MARKS)).where(
        products.c.id == bindparam("product_id"), products.c.deleted_at.is_(None)
    )
)
# A product that nobody has switched on or off is as it was made.
_VISIBILITY = sql(
    """
    SELECT p.store_id, p.is_active, coalesce(p.active_changed_at, p.created_at) AS active_since,
           i.available_qty >= p.moq AS in_stock, g.store_id IS NOT NULL AS is_known, g.type, g.state, g.kyc_status,
           g.subscription_active, g.type_since, g.state_since, g.kyc_status_since, g.subscription_active_since
    FROM products p JOIN inventory_items i ON i.product_id = p.id
    LEFT JOIN store_gates g ON g.store_id = p.store_id
    WHERE p.id = :product_id AND p.deleted_at IS NULL
    """
)
_OF_PRODUCTS = any_(bindparam("product_ids", type_=ARRAY(Uuid)))
_TIERS = compiled(
    select(volume_discounts)
    .where(volume_discounts.c.product_id == _OF_PRODUCTS)
    .order_by(volume_discounts.c.product_id, volume_discounts.c.min_qty)
)
_MEDIA = compiled(
    select(product_media.c.media_id)
    .where(product_media.c.product_id == bindparam("product_id"))
    .order_by(product_media.c.position)
)
_NAMED = compiled(
    select(products.c.id, products.c.store_id, products.c.sku, products.c.title)
    .where(products.c.id == _OF_PRODUCTS)
    .order_by(products.c.id)
)
