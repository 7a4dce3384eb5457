"""SQL about many products of a store at once."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from meshkit.db.engine import constraint_of
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.catalog.errors import SkuTaken
from services.catalog.products.domain.sheet import COLUMNS, STOCK, THRESHOLD, TIERS
from services.catalog.schema import products, volume_discounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class SheetProduct(NamedTuple):
    """A product as a sheet shows it; volume discounts are read apart."""

    id: uuid.UUID
    created_at: datetime
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
    available_qty: int
    low_stock_threshold: int


# What a sheet says of the product itself.
DESCRIPTION = [column for column in COLUMNS if column not in {TIERS, STOCK, THRESHOLD}]
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_WRITTEN = [*DESCRIPTION, "search_words"]
_TYPES = ", ".join(f"{name} {products.c[name].type.compile(dialect=_DIALECT)}" for name in ["id", *_WRITTEN])
_SELECT = """
    SELECT {columns} FROM products p JOIN inventory_items i ON i.product_id = p.id
    WHERE p.store_id = :store_id AND p.deleted_at IS NULL
"""
_LOCK = sql(_SELECT + " AND p.sku = ANY(CAST(:skus AS text[])) ORDER BY p.id FOR NO KEY UPDATE OF p", SheetProduct)
_LIKE_NUMBERS = sql(
    "SELECT sku FROM products WHERE store_id = :store_id AND deleted_at IS NULL AND length(sku) <= 30"
    " AND sku ~ '^[0-9A-Za-z.,:/ +-]*[0-9][0-9A-Za-z.,:/ +-]*$' ORDER BY sku",
    str,
)
_FIRST = sql(_SELECT + " ORDER BY p.created_at DESC, p.id DESC LIMIT :limit", SheetProduct)
_NEXT = sql(
    _SELECT + " AND (p.created_at, p.id) < (:after_at, :after_id) ORDER BY p.created_at DESC, p.id DESC LIMIT :limit",
    SheetProduct,
)
_ADD = sql(
    insert_rows(
        products,
        ["id", *_WRITTEN],
        constants={"store_id": ":store_id", "currency": ":currency", "created_at": ":now", "updated_at": ":now"},
    )
)
_CHANGE = sql(
    f"""
    UPDATE products p
    SET {", ".join(f"{name} = r.{name}" for name in _WRITTEN)}, updated_at = :now,
        active_changed_at = CASE WHEN p.is_active = r.is_active THEN p.active_changed_at ELSE :now END
    FROM json_to_recordset(CAST(:rows AS json)) AS r ({_TYPES}) WHERE p.id = r.id
    """  # noqa: S608
)
_REMOVE_TIERS = sql("DELETE FROM volume_discounts WHERE product_id = ANY(CAST(:product_ids AS uuid[]))")
_ADD_TIERS = sql(insert_rows(volume_discounts, ["product_id", "min_qty", "discount_basis_points"]))


def lock_by_sku(tx: Tx, skus: Sequence[str], *, store_id: uuid.UUID) -> list[SheetProduct]:
    """Return those of a store's products that have the SKUs, with stock, and keep them from changing until commit."""
    return tx.execute(_LOCK, {"skus": skus, "store_id": store_id}).all()


def skus_like_numbers(tx: Tx, *, store_id: uuid.UUID) -> list[str]:
    """Return those of a store's SKUs that a spreadsheet may take for numbers, times or dates."""
    return tx.execute(_LIKE_NUMBERS, {"store_id": store_id}).all()


def page_of_store(tx: Tx, store_id: uuid.UUID, *, page: Page) -> list[SheetProduct]:
    """Return a store's products with what a sheet shows, newest first, one more than the page."""
    parameters: dict[str, object] = {"store_id": store_id, "limit": page.fetch}
    if page.after:
        parameters |= {"after_at": page.after.at, "after_id": page.after.id}
    return tx.execute(_NEXT if page.after else _FIRST, parameters).all()


def add_all(tx: Tx, rows: Sequence[Mapping[str, object]], *, store_id: uuid.UUID, currency: str) -> None:
    """Insert products. Raises SkuTaken when another call has just made one of them."""
    try:
        tx.execute(_ADD, {"rows": to_json(rows), "store_id": store_id, "currency": currency, "now": tx.now})
    except IntegrityError as error:
        if constraint_of(error) == "products_store_id_sku_key":
            raise SkuTaken(field="sku") from None
        raise


def change_all(tx: Tx, rows: Sequence[Mapping[str, object]]) -> None:
    """Give products the descriptions in `rows`."""
    tx.execute(_CHANGE, {"rows": to_json(rows), "now": tx.now})


def replace_tiers(tx: Tx, product_ids: Sequence[uuid.UUID], tiers: Sequence[Mapping[str, object]]) -> None:
    """Give products exactly these volume discounts."""
    tx.execute(_REMOVE_TIERS, {"product_ids": product_ids})
    tx.execute(_ADD_TIERS, {"rows": to_json(tiers)})
