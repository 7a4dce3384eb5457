"""Read one product, if the caller's store may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.catalog.products.data import products
from services.catalog.store_gates.domain.visibility import can_see
from services.catalog.store_gates.usecases.read_store_gates import read_store_gates

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.catalog.products.data.products import VolumeDiscount, WholeProduct


@dataclass(frozen=True)
class ProductDetail:
    """A product with its tiers and gallery."""

    row: WholeProduct
    tiers: Sequence[VolumeDiscount]
    media_ids: Sequence[uuid.UUID]


def read_product(tx: Tx, *, product_id: uuid.UUID, unverified: bool = False) -> ProductDetail:
    """Return a product. Raises NotFound for one that the caller's store may not see; its own it always may.

    `unverified`: whether a store without a verified licence sees those of others.
    """
    row = products.find(tx, product_id)
    if row is None or not _may_see(tx, row, unverified=unverified):
        raise NotFound
    return ProductDetail(row, products.tiers_of(tx, [product_id]), products.media_ids_of(tx, product_id))


def _may_see(tx: Tx, row: WholeProduct, *, unverified: bool) -> bool:
    reader = tx.principal.require_store
    if row.store_id == reader:
        return True
    if not row.is_active:
        return False
    gates = read_store_gates(tx, reader, row.store_id)
    return can_see(buyer=gates.get(reader), vendor=gates.get(row.store_id), unverified=unverified)
