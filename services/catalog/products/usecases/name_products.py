"""What the other capabilities need to know of products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.catalog.products.data import products

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.catalog.products.data.products import NamedProduct


def name_products(tx: Tx, product_ids: Sequence[uuid.UUID]) -> list[NamedProduct]:
    """Return the names of products, deleted ones too."""
    return products.named(tx, list(product_ids))


def require_own_product(tx: Tx, *, product_id: uuid.UUID) -> None:
    """Raise NotFound unless the product is one of the caller's store and not deleted."""
    if not products.is_of_store(tx, product_id, store_id=tx.principal.require_store):
        raise NotFound
