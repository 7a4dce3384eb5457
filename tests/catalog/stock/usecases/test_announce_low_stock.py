"""A vendor hears once when little of a product is left."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from marketmesh.catalog.events.v1 import catalog_events_pb2 as events
from marketmesh.catalog.v1 import inventory_service_pb2 as inventory
from marketmesh.catalog.v1 import product_service_pb2 as messages
from tests.catalog.shop import Checkout, Shop


class TestProductLowStock:
    def test_is_told_by_the_reservation_that_reaches_the_threshold(self, shop: Shop) -> None:
        product = _product(shop, available=10, threshold=4)

        shop.reserve(Checkout.of((product, 5)))
        assert _told(shop, product) == []
        shop.reserve(Checkout.of((product, 1)))
        shop.reserve(Checkout.of((product, 1)))

        (event,) = shop.mesh.events("catalog", events.ProductLowStock)[-1:]
        assert _told(shop, product) == [4]
        assert (event.vendor_store_id, event.title, event.low_stock_threshold) == (str(shop.vendor_id), "Blue Dream", 4)

    def test_counts_lines_of_one_product_together(self, shop: Shop) -> None:
        product, other = _product(shop, available=10, threshold=4), _product(shop, available=10, threshold=4)

        shop.reserve(Checkout.of((product, 3), (other, 5), (product, 3), (product, 99)))

        assert (_told(shop, product), _told(shop, other)) == ([4], [])

    def test_is_not_told_again_when_the_same_group_asks_again(self, shop: Shop) -> None:
        product = _product(shop, available=10, threshold=4)
        checkout = Checkout.of((product, 6))

        shop.reserve(checkout)
        shop.reserve(checkout)

        assert _told(shop, product) == [4]

    def test_is_told_again_after_there_was_more(self, shop: Shop) -> None:
        product = _product(shop, available=10, threshold=4)
        checkout = Checkout.of((product, 6))
        shop.reserve(checkout)

        shop.mesh.clock.advance(timedelta(minutes=16))
        shop.expire()
        shop.reserve(checkout)
        shop.release(checkout)
        shop.reserve(Checkout.of((product, 7)))

        assert _told(shop, product) == [4, 4, 3]

    def test_is_told_by_an_order_that_takes_stock_again(self, shop: Shop) -> None:
        product = _product(shop, available=10, threshold=4)
        checkout = Checkout.of((product, 6))
        shop.reserve(checkout)
        shop.mesh.clock.advance(timedelta(minutes=16))
        shop.expire()

        shop.mesh.deliver("catalog", checkout.created())

        assert _told(shop, product) == [4, 4]

    @pytest.mark.parametrize("available", [0, 4])
    def test_is_told_when_the_vendor_sets_it(self, shop: Shop, available: int) -> None:
        product = _product(shop, available=10, threshold=4)

        for _ in range(2):
            request = messages.SetInventoryRequest(product_id=str(product), available_qty=available)
            shop.mesh.write(shop.products.SetInventory, request, token=shop.vendor)

        assert _told(shop, product) == [available]

    def test_is_told_when_the_threshold_rises_above_what_is_left(self, shop: Shop) -> None:
        product = _product(shop, available=10, threshold=4)

        request = messages.SetInventoryRequest(product_id=str(product), available_qty=10, low_stock_threshold=10)
        shop.mesh.write(shop.products.SetInventory, request, token=shop.vendor)

        assert _told(shop, product) == [10]

    def test_is_told_by_adjusting_and_counting(self, shop: Shop) -> None:
        product = _product(shop, available=10, threshold=4)

        adjust = inventory.AdjustStockRequest(product_id=str(product), quantity=-6, reason="broken")
        shop.mesh.write(shop.stock.AdjustStock, adjust, token=shop.vendor)
        receive = inventory.ReceiveStockRequest(product_id=str(product), quantity=5)
        shop.mesh.write(shop.stock.ReceiveStock, receive, token=shop.vendor)
        count = inventory.CountStockRequest(product_id=str(product), counted_qty=2)
        shop.mesh.write(shop.stock.CountStock, count, token=shop.vendor)

        assert _told(shop, product) == [4, 2]

    def test_costs_a_reservation_no_statement_while_there_is_enough(self, shop: Shop) -> None:
        product = _product(shop, available=10, threshold=4)

        with shop.statements() as statements:
            shop.reserve(Checkout.of((product, 1)))

        assert len(statements) == 2


def _product(shop: Shop, *, available: int, threshold: int) -> uuid.UUID:
    stock = {"available_qty": available, "low_stock_threshold": threshold}
    request = shop.request(inventory=stock)
    return uuid.UUID(shop.mesh.write(shop.products.CreateProduct, request, token=shop.vendor).summary.id)


def _told(shop: Shop, product: uuid.UUID) -> list[int]:
    """Return what was left each time."""
    told = shop.mesh.events("catalog", events.ProductLowStock)
    return [event.available_qty for event in told if event.product_id == str(product)]
