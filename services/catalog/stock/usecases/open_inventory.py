"""New products start with stock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import inventory
from services.catalog.stock.domain.stock import Cause
from services.catalog.stock.usecases.announce_low_stock import announce_low_stock

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.catalog.stock.domain.stock import Level, Movement


def open_inventory(tx: Tx, movements: Sequence[Movement], *, cause: Cause) -> None:
    """Insert the stock of new products: what they start with came in and is available."""
    inventory.add(tx, movements, cause=cause)


def import_stock(tx: Tx, movements: Sequence[Movement], levels: Mapping[uuid.UUID, tuple[Level, Level]]) -> None:
    """Set the stock of products as a sheet says, and tell of those of which little is left; their stock is locked."""
    inventory.move(tx, movements, cause=Cause.IMPORT)
    announce_low_stock(tx, levels)
