"""SQL that changes products."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import update

from meshkit.db.sql import sql
from services.catalog.schema import products

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshkit.db.tx import Tx


class OwnProduct(NamedTuple):
    """A product as its vendor may change it, deleted or not."""

    id: uuid.UUID
    store_id: uuid.UUID
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
    gallery_flow: uuid.UUID | None
    deleted_at: datetime | None


# Also finds deleted products: the flow that deletes one must find it again.
_LOCK = sql(
    "SELECT {columns} FROM products WHERE id = :product_id AND store_id = :store_id FOR NO KEY UPDATE", OwnProduct
)
_CLAIM_GALLERY = sql("UPDATE products SET gallery_flow = :flow_id WHERE id = :product_id")
_RELEASE_GALLERY = sql("UPDATE products SET gallery_flow = NULL WHERE id = :product_id AND gallery_flow = :flow_id")
_GALLERY_FLOW = sql("SELECT gallery_flow FROM products WHERE id = :product_id", uuid.UUID | None)
_DELETE = sql(
    "UPDATE products SET deleted_at = :now, is_active = false, gallery_flow = :flow_id, updated_at = :now"
    " WHERE id = :product_id"
)
_REMOVE_TIERS = sql("DELETE FROM volume_discounts WHERE product_id = :product_id")
_REMOVE_MEDIA = sql("DELETE FROM product_media WHERE product_id = :product_id")


def lock(tx: Tx, product_id: uuid.UUID, *, store_id: uuid.UUID) -> OwnProduct | None:
    """Return a store's own product, deleted or not, and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"product_id": product_id, "store_id": store_id}).one_or_none()


def claim_gallery(tx: Tx, product_id: uuid.UUID, *, flow_id: uuid.UUID) -> None:
    """Note which flow begins to change a product's files."""
    tx.execute(_CLAIM_GALLERY, {"product_id": product_id, "flow_id": flow_id})


def release_gallery(tx: Tx, product_id: uuid.UUID, *, flow_id: uuid.UUID) -> bool:
    """Note that a flow is done with a product's files; False if another has begun to change them since."""
    return tx.execute(_RELEASE_GALLERY, {"product_id": product_id, "flow_id": flow_id}).rowcount == 1


def gallery_flow(tx: Tx, product_id: uuid.UUID) -> uuid.UUID | None:
    """Return which flow last began to change a product's files, or None."""
    return tx.execute(_GALLERY_FLOW, {"product_id": product_id}).one_or_none()


def change(tx: Tx, product_id: uuid.UUID, columns: Mapping[str, object]) -> None:
    """Change columns of a product. Raises IntegrityError on products_store_id_sku_key."""
    tx.execute(update(products).where(products.c.id == product_id).values(updated_at=tx.now, **columns))


def delete(tx: Tx, product_id: uuid.UUID, *, flow_id: uuid.UUID) -> None:
    """Mark a product as deleted by a flow."""
    tx.execute(_DELETE, {"product_id": product_id, "flow_id": flow_id, "now": tx.now})


def remove_tiers(tx: Tx, product_id: uuid.UUID) -> None:
    """Delete a product's volume discounts."""
    tx.execute(_REMOVE_TIERS, {"product_id": product_id})


def remove_media(tx: Tx, product_id: uuid.UUID) -> None:
    """Delete a product's gallery."""
    tx.execute(_REMOVE_MEDIA, {"product_id": product_id})
