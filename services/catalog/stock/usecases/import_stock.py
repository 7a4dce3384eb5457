"""Set the stock of products as a sheet says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import inventory
from services.catalog.stock.domain.stock import Cause
from services.catalog.stock.usecases.announce_low_stock import announce_low_stock

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.catalog.stock.domain.stock import Level, Movement, Stocked


def lock_stock(tx: Tx, product_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Stocked]:
    """Return the stock of each of the store's own products, locked until commit."""
    return inventory.lock_many(tx, product_ids) if product_ids else {}


def import_stock(tx: Tx, movements: Sequence[Movement], *, levels: Mapping[uuid.UUID, tuple[Level, Level]]) -> None:
    """Move the stock of products, which `lock_stock` has locked, and announce those of which little is left.

    `levels` are those of each product before and after.
    """
    inventory.move(tx, movements, cause=Cause.IMPORT)
    announce_low_stock(tx, levels)
