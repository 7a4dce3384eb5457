"""SQL that reads what stock needs to know of products: whose one is, and what it is called."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


class NamedProduct(NamedTuple):
    """What names a product in an event."""

    id: uuid.UUID
    store_id: uuid.UUID
    sku: str
    title: str


_IS_OF_STORE = sql(
    "SELECT id FROM products WHERE id = :product_id AND store_id = :store_id AND deleted_at IS NULL", uuid.UUID
)
_NAMED = sql(
    "SELECT {columns} FROM products WHERE id = ANY(CAST(:product_ids AS uuid[])) ORDER BY id",
    NamedProduct,
)


def is_of_store(tx: Tx, product_id: uuid.UUID, *, store_id: uuid.UUID) -> bool:
    """Return whether a product is the store's own and not deleted."""
    return tx.execute(_IS_OF_STORE, {"product_id": product_id, "store_id": store_id}).first() is not None


def named(tx: Tx, product_ids: Sequence[uuid.UUID]) -> list[NamedProduct]:
    """Return the names of products, deleted ones too."""
    return tx.execute(_NAMED, {"product_ids": product_ids}).all()
