"""The story with the real catalog: stock is reserved, kept, given back and consumed as orders say."""

from __future__ import annotations

import itertools
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from marketmesh.catalog.v1 import product_pb2, product_service_pb2, product_service_pb2_grpc
from marketmesh.commerce.v1 import cart_service_pb2
from services.catalog.outbound.commerce_client import CommerceClient
from services.catalog.stock.jobs.settle_reservations import ReservationSweep
from services.commerce.checkout.flows import checkout
from tests.commerce.checkout.flows.test_checkout_failures import crash
from tests.commerce.market import Market, status_name
from tests.support.mesh_harness import MeshHarness, Refused, as_dict


def sweep(market: Market) -> None:
    """Let catalog ask commerce about reservations past their time."""
    process = market.mesh.process("catalog")
    ReservationSweep(process.transactions, CommerceClient(process.channel("commerce")), 60).settle_due()


def stock_rows(market: Market) -> list[str]:
    """Return every row of catalog that says something about stock, with its place in the table."""
    return [
        str(row.content)
        for table in ("inventory_items", "reservations", "stock_movements")
        for row in market.mesh.rows("catalog", f"SELECT t.ctid || ' ' || t.xmin || ' ' || t AS content FROM {table} t")
    ]


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

    def test_is_not_sold_twice_while_nobody_hears_of_the_order(self, market: Market) -> None:
        product = market.product(stock=5)
        order = market.order((product, 5))

        for _ in range(2):
            market.mesh.clock.advance(timedelta(hours=1))
            sweep(market)

        assert market.catalog.stock(product) == (0, 5, 0)
        assert as_dict(market.quote((product, 1)))["items"][0]["status"] == "not_available"
        market.cancel(order.order_id)
        market.mesh.pump()
        assert market.catalog.stock(product) == (5, 0, 0)

    def test_comes_back_from_a_checkout_that_nobody_finished(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        product = market.product(stock=5)
        quote = market.quote((product, 5))
        monkeypatch.setattr(checkout, "_convert", crash)
        with pytest.raises(Refused):
            market.checkout(quote.id)
        monkeypatch.undo()
        held = market.catalog.stock(product)

        market.mesh.clock.advance(timedelta(hours=1))
        sweep(market)

        assert (held, market.catalog.stock(product)) == ((0, 5, 0), (5, 0, 0))

    def test_is_not_touched_by_a_quote(self, market: Market) -> None:
        product = market.product(stock=10)
        before = stock_rows(market)

        market.quote((product, 4))
        market.quote((product, 11))

        assert stock_rows(market) == before

    def test_is_held_by_the_cart_that_was_checked_out_not_by_the_next(self, market: Market) -> None:
        product = market.product(
            stock=10, price_cents=500, volume_discounts=[{"min_qty": 2, "discount_percent": "7.5"}]
        )
        quote = market.quote((product, 3))

        (order,) = market.checkout(quote.id).vendor_orders
        market.quote((product, 5))
        market.mesh.pump()

        # 7.5 % of 1 500 is 112.5.
        assert order.total_cents == quote.total_cents == 1500 - 113
        assert market.catalog.stock(product) == (7, 3, 0)


class TestQuote:
    def test_is_never_of_two_moments(self, market: Market) -> None:
        """The vendor changes price and discount together, over and over: 10 dollars at 50 % or 5 at none cost the same."""
        product = market.product(price_cents=1000, volume_discounts=[{"min_qty": 1, "discount_percent": "50"}])
        prices = itertools.cycle([(500, "0"), (1000, "50")])
        stub = market.mesh.stub(product_service_pb2_grpc.ProductServiceStub, "catalog")
        done = threading.Event()

        def change() -> None:
            while not done.is_set():
                price, percent = next(prices)
                tiers = [product_pb2.VolumeDiscount(min_qty=1, discount_percent=percent)]
                request = product_service_pb2.UpdateProductRequest(
                    product_id=product,
                    price_cents=price,
                    volume_discounts=product_service_pb2.VolumeDiscountSet(items=tiers),
                )
                market.mesh.write(stub.UpdateProduct, request, token=market.vendor_token)

        vendor = threading.Thread(target=change)
        vendor.start()
        try:
            totals = {market.quote((product, 1)).total_cents for _ in range(120)}
        finally:
            done.set()
            vendor.join()

        assert totals == {500}

    @pytest.mark.parametrize("typed", ["SAVE10", " save10 ", "Save10\u00a0", "\u200bＳＡＶＥ10"])
    def test_takes_a_promo_however_it_is_typed(self, market: Market, typed: str) -> None:
        promo = product_service_pb2.CreatePromoRequest(code=" save10", amount_cents=300)
        stub = market.mesh.stub(product_service_pb2_grpc.ProductServiceStub, "catalog")
        assert market.mesh.write(stub.CreatePromo, promo, token=market.vendor_token).code == "SAVE10"

        quote = market.quote((market.product(), 1), promos=[(market.vendor, typed)])

        assert (quote.vendor_groups[0].promo, quote.discounts_cents) == ("SAVE10", 300)
        assert not quote.promo_warnings

    def test_names_every_code_that_changes_nothing_and_so_does_the_cart(self, market: Market) -> None:
        stranger = str(uuid.uuid4())

        quote = market.quote((market.product(), 1), promos=[(market.vendor, " nope "), (stranger, "SAVE10")])

        cart = market.mesh.read(market.carts.GetCart, cart_service_pb2.GetCartRequest(), token=market.buyer_token)
        warnings = as_dict(quote)["promo_warnings"]
        assert [(item["vendor_store_id"], item["code"], item["reason"]) for item in warnings] == [
            (market.vendor, "nope", "unknown_code"),
            (stranger, "SAVE10", "vendor_not_in_cart"),
        ]
        assert cart == quote
