"""The story with the real catalog: stock is reserved, kept, given back and consumed as orders say."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from marketmesh.catalog.v1 import product_pb2, product_service_pb2, product_service_pb2_grpc
from tests.commerce.market import Market, status_name
from tests.support.mesh_harness import MeshHarness, as_dict


@dataclass
class RealCatalog:
    """Makes products over catalog's public API."""

    mesh: MeshHarness
    products: dict[str, Any] = field(default_factory=dict)

    def add_product(self, *, vendor: str, stock: int = 1000, **fields: Any) -> str:
        request = product_service_pb2.CreateProductRequest(
            **{
                "sku": uuid.uuid4().hex[:12],
                "title": "Product",
                "category": "flower",
                "feelings": ["happy"],
                "flavors": ["citrus"],
                "usage": ["sleep"],
                "unit": "gram",
                "moq": 1,
                "price_cents": 1000,
                "inventory": product_pb2.Inventory(available_qty=stock),
                **fields,
            }
        )
        stub = self.mesh.stub(product_service_pb2_grpc.ProductServiceStub, "catalog")
        answer = self.mesh.write(stub.CreateProduct, request, token=self.mesh.store_token(vendor))
        self.products[answer.summary.id] = SimpleNamespace(vendor_store_id=vendor)
        return str(answer.summary.id)

    def stock(self, product_id: str) -> tuple[int, int, int]:
        """Return available, reserved, consumed."""
        (row,) = self.mesh.rows(
            "catalog", "SELECT * FROM inventory_items WHERE product_id = CAST(:id AS uuid)", id=product_id
        )
        return row.available_qty, row.reserved_qty, row.consumed_qty


@pytest.fixture
def market(mesh: MeshHarness) -> Market:
    """Return a market in front of the real catalog."""
    mesh.start("catalog", "commerce")
    return Market(mesh, RealCatalog(mesh), listeners=("commerce", "catalog"))


class TestStock:
    def test_follows_the_order_to_its_end(self, market: Market) -> None:
        kept, refused = market.product(stock=10), market.product(stock=10)
        order = market.order((kept, 4), (refused, 3))
        market.mesh.pump()
        reserved = market.catalog.stock(kept), market.catalog.stock(refused)

        market.decide_line(order.order_id, order.items[0].line_item_id, "accept")
        market.decide_line(order.order_id, order.items[1].line_item_id, "reject")
        market.mesh.pump()
        decided = market.catalog.stock(kept), market.catalog.stock(refused)
        market.fulfill(order.order_id)
        market.advance(order.order_id, "pickup")
        market.advance(order.order_id, "deliver")
        market.mesh.pump()

        assert reserved == ((6, 4, 0), (7, 3, 0))
        assert decided == ((6, 4, 0), (10, 0, 0))
        assert market.catalog.stock(kept) == (6, 0, 4)

    def test_goes_back_once_when_the_buyer_cancels(self, market: Market) -> None:
        kept, refused = market.product(stock=10), market.product(stock=10)
        order = market.order((kept, 4), (refused, 3))
        market.decide_line(order.order_id, order.items[1].line_item_id, "reject")

        market.cancel(order.order_id)
        market.mesh.pump()

        assert (market.catalog.stock(kept), market.catalog.stock(refused)) == ((10, 0, 0), (10, 0, 0))

    def test_goes_back_once_when_the_order_expires(self, market: Market) -> None:
        kept, refused = market.product(stock=10), market.product(stock=10)
        order = market.order((kept, 4), (refused, 3))
        market.decide_line(order.order_id, order.items[1].line_item_id, "reject")
        market.mesh.pump()

        market.expire(order.order_id)
        market.mesh.pump()

        assert (market.catalog.stock(kept), market.catalog.stock(refused)) == ((10, 0, 0), (10, 0, 0))

    def test_is_sold_once_to_many_at_a_time(self, market: Market) -> None:
        product = market.product(stock=10)
        buyers = [str(uuid.uuid4()) for _ in range(15)]
        for buyer in buyers:
            market.gate(buyer, type="buyer", name="B", subscription_active=False)

        def buy(buyer: str) -> str:
            token = market.mesh.store_token(buyer, store_type="buyer")
            quote = market.send_quote(market.quote_request((product, 1), buyer=buyer), token=token)
            if as_dict(quote)["items"][0]["status"] != "ok":
                return "not_available"
            return status_name(market.checkout(quote.id, token=token).vendor_orders[0])

        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(buy, buyers))
        market.mesh.pump()

        assert results.count("created_pending") == 10
        assert market.catalog.stock(product) == (0, 10, 0)
        assert market.prove() == []

    def test_is_not_touched_by_a_quote(self, market: Market) -> None:
        product = market.product(stock=10)

        market.quote((product, 4))

        assert market.catalog.stock(product) == (10, 0, 0)

    def test_is_held_by_the_cart_that_was_checked_out_not_by_the_next(self, market: Market) -> None:
        product = market.product(
            stock=10, price_cents=500, volume_discounts=[{"min_qty": 2, "discount_percent": "7.5"}]
        )
        quote = market.quote((product, 3))

        (order,) = market.checkout(quote.id).vendor_orders
        market.quote((product, 5))
        market.mesh.pump()

        # 7.5 % of 500 is 37.5, per unit 38.
        assert order.total_cents == quote.total_cents == 3 * (500 - 38)
        assert market.catalog.stock(product) == (7, 3, 0)
