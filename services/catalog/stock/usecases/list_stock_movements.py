"""Read a product's stock movements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.catalog.stock.data import stock_movements, stocked_products

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.catalog.stock.data.stock_movements import StockMovement


def list_stock_movements(tx: Tx, *, product_id: uuid.UUID, page: Page) -> tuple[Sequence[StockMovement], str]:
    """Return an own product's movements, newest first, and the next cursor. Raises NotFound for a foreign product."""
    if not stocked_products.is_of_store(tx, product_id, store_id=tx.principal.require_store):
        raise NotFound
    return page.cut(stock_movements.page_of(tx, product_id, page=page), stock_movements.cursor_of)
