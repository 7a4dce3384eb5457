"""Insert the stock with which new products start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import inventory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.catalog.stock.domain.stock import Cause, Movement


def open_inventory(tx: Tx, movements: Sequence[Movement], *, cause: Cause) -> None:
    """Insert the stock of new products: what they start with came in and is available."""
    inventory.add(tx, movements, cause=cause)
