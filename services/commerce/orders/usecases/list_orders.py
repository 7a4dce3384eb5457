"""List a store's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import orders
from services.commerce.orders.usecases.read_order import orders_in_detail

if TYPE_CHECKING:
    import uuid

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order_filter import OrderFilter
    from services.commerce.orders.usecases.read_order import OrderDetail


def list_orders(
    tx: Tx, *, store_id: uuid.UUID, is_vendor: bool, page: Page, wanted: OrderFilter
) -> tuple[list[OrderDetail], str]:
    """Return orders in detail, newest first, and the next cursor: what a vendor sold, what a buyer bought."""
    rows = (orders.page_sold if is_vendor else orders.page_bought)(tx, store_id, page, wanted)
    found, following = page.cut(rows, orders.cursor_of)
    return orders_in_detail(tx, found), following
