"""InventoryService: what a vendor does with its stock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.catalog.v1 import inventory_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.catalog.products.api.mapping import inventory_item_message
from services.catalog.products.usecases.list_products import list_inventory
from services.catalog.stock.api import mapping
from services.catalog.stock.usecases.adjust_stock import adjust_stock
from services.catalog.stock.usecases.count_stock import count_stock
from services.catalog.stock.usecases.list_stock_movements import list_stock_movements
from services.catalog.stock.usecases.receive_stock import receive_stock

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class InventoryServicer:
    """Translates; the rules are in the use cases."""

    def ListInventory(self, request: messages.ListInventoryRequest, tx: Tx) -> messages.ListInventoryResponse:
        page = Page.of(request)
        rows, following = list_inventory(tx, low_stock_only=request.low_stock_only, page=page)
        return messages.ListInventoryResponse(
            items=[inventory_item_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def ReceiveStock(self, request: messages.ReceiveStockRequest, tx: Tx) -> messages.StockChange:
        product_id = parse_id(request.product_id, field="product_id")
        row = receive_stock(tx, product_id=product_id, quantity=request.quantity, reason=request.reason)
        return mapping.stock_change_message(row)

    def AdjustStock(self, request: messages.AdjustStockRequest, tx: Tx) -> messages.StockChange:
        product_id = parse_id(request.product_id, field="product_id")
        row = adjust_stock(tx, product_id=product_id, quantity=request.quantity, reason=request.reason)
        return mapping.stock_change_message(row)

    def CountStock(self, request: messages.CountStockRequest, tx: Tx) -> messages.StockChange:
        product_id = parse_id(request.product_id, field="product_id")
        row = count_stock(tx, product_id=product_id, counted_qty=request.counted_qty, reason=request.reason)
        return mapping.stock_change_message(row)

    def ListStockMovements(
        self, request: messages.ListStockMovementsRequest, tx: Tx
    ) -> messages.ListStockMovementsResponse:
        page = Page.of(request)
        rows, following = list_stock_movements(
            tx, product_id=parse_id(request.product_id, field="product_id"), page=page
        )
        return messages.ListStockMovementsResponse(
            items=[mapping.movement_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )
