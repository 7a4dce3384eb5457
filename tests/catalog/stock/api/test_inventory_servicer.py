"""InventoryService through its whole interceptor chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketmesh.catalog.v1 import inventory_service_pb2 as messages
from marketmesh.catalog.v1 import product_service_pb2
from tests.catalog.shop import Checkout, Shop
from tests.support.mesh_harness import Refused

_KIND = messages.StockMovementKind.Value


class TestListInventory:
    def test_shows_own_stock_and_what_runs_low(self, shop: Shop) -> None:
        for title, available in (("Plenty", 9), ("At threshold", 2), ("None", 0)):
            request = shop.request(title=title, inventory={"available_qty": available, "low_stock_threshold": 2})
            shop.mesh.write(shop.products.CreateProduct, request, token=shop.vendor)
            shop.mesh.clock.advance(timedelta(seconds=1))
        Shop(shop.mesh).create(title="Foreign")

        everything, low = _stock(shop), _stock(shop, low_stock_only=True)

        assert [(i.product.title, i.product.inventory.available_qty, i.low_stock) for i in everything.items] == [
            ("None", 0, True),
            ("At threshold", 2, True),
            ("Plenty", 9, False),
        ]
        assert [item.product.title for item in low.items] == ["None", "At threshold"]

    def test_pages_what_runs_low(self, shop: Shop) -> None:
        for number in range(5):
            shop.create(title=str(number), available=number % 2)
            shop.mesh.clock.advance(timedelta(seconds=1))

        first = _stock(shop, low_stock_only=True, limit=2)
        second = _stock(shop, low_stock_only=True, limit=2, cursor=first.next_cursor)

        assert [item.product.title for item in (*first.items, *second.items)] == ["4", "2", "0"]
        assert second.next_cursor == ""

    def test_is_not_for_buyers(self, shop: Shop) -> None:
        with pytest.raises(Refused) as refused:
            shop.mesh.read(shop.stock.ListInventory, messages.ListInventoryRequest(), token=shop.buyer)

        assert refused.value.code == "PERMISSION_DENIED"


class TestReceiveStock:
    def test_adds_what_came_in(self, shop: Shop) -> None:
        product = shop.product(available=10)
        shop.reserve(Checkout.of((product, 4)))

        change = _receive(shop, product, 5, reason="note 17")

        assert (change.inventory.available_qty, change.inventory.reserved_qty) == (11, 4)
        assert (change.movement.kind, change.movement.quantity) == (_KIND.received, 5)
        assert (change.movement.available_after, change.movement.reason) == (11, "note 17")
        assert shop.inventory(product) == (11, 4, 0, 15)

    def test_keeps_the_threshold(self, shop: Shop) -> None:
        product = uuid.UUID(shop.mesh.write(shop.products.CreateProduct, shop.request(), token=shop.vendor).summary.id)

        assert _receive(shop, product, 5).inventory.low_stock_threshold == 2

    def test_refuses_more_than_any_shelf_holds(self, shop: Shop) -> None:
        product = shop.product(available=999_999_990)
        shop.reserve(Checkout.of((product, 5)))

        with pytest.raises(Refused) as refused:
            _receive(shop, product, 11)

        assert (refused.value.code, refused.value.violations[0].field) == ("INVALID_ARGUMENT", "quantity")
        assert shop.inventory(product) == (999_999_985, 5, 0, 999_999_990)
        assert [(m.kind, m.quantity) for m in _movements(shop, product)] == [(_KIND.received, 999_999_990)]

    def test_loses_nothing_when_many_come_at_once(self, shop: Shop) -> None:
        product, token = shop.product(available=100), shop.vendor
        barrier = threading.Barrier(8)

        def work(number: int) -> None:
            barrier.wait()
            if number % 2:
                shop.reserve(Checkout.of((product, 3)))
            else:
                request = messages.ReceiveStockRequest(product_id=str(product), quantity=10)
                shop.mesh.call(shop.stock.ReceiveStock, request, token=token, key=f"receive-{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

        assert shop.inventory(product) == (128, 12, 0, 140)


class TestAdjustStock:
    def test_takes_out_and_puts_back_with_a_reason(self, shop: Shop) -> None:
        product = shop.product(available=10)

        _adjust(shop, product, -3, reason="broken")
        _adjust(shop, product, 1, reason="found one")

        assert shop.inventory(product) == (8, 0, 0, 8)
        assert {(m.kind, m.quantity, m.reason) for m in _movements(shop, product)} == {
            (_KIND.received, 10, ""),
            (_KIND.adjusted, -3, "broken"),
            (_KIND.adjusted, 1, "found one"),
        }

    def test_leaves_alone_what_orders_hold(self, shop: Shop) -> None:
        product = shop.product(available=10)
        shop.reserve(Checkout.of((product, 4)))

        with pytest.raises(Refused) as refused:
            _adjust(shop, product, -7)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "STOCK_HELD")
        assert (refused.value.metadata["available"], refused.value.metadata["reserved"]) == ("6", "4")
        assert shop.inventory(product) == (6, 4, 0, 10)
        assert len(_movements(shop, product)) == 1


class TestCountStock:
    def test_counts_what_orders_hold_as_well(self, shop: Shop) -> None:
        product = shop.product(available=10)
        shop.reserve(Checkout.of((product, 4)))

        change = _count(shop, product, 9)

        assert (change.inventory.available_qty, change.inventory.reserved_qty) == (5, 4)
        assert (change.movement.kind, change.movement.quantity) == (_KIND.counted, -1)
        assert shop.inventory(product) == (5, 4, 0, 9)

    def test_writes_down_a_count_that_finds_no_difference(self, shop: Shop) -> None:
        product = shop.product(available=10)

        assert _count(shop, product, 10).movement.quantity == 0
        assert {(m.kind, m.quantity) for m in _movements(shop, product)} == {(_KIND.received, 10), (_KIND.counted, 0)}

    def test_can_find_an_empty_shelf(self, shop: Shop) -> None:
        product = shop.product(available=10)

        _count(shop, product, 0)

        assert shop.inventory(product) == (0, 0, 0, 0)

    def test_refuses_fewer_than_orders_hold(self, shop: Shop) -> None:
        product = shop.product(available=10)
        shop.reserve(Checkout.of((product, 4)))

        with pytest.raises(Refused) as refused:
            _count(shop, product, 3)

        assert refused.value.reason == "STOCK_HELD"
        assert shop.inventory(product) == (6, 4, 0, 10)


class TestBadInput:
    @pytest.mark.parametrize(
        ("method", "request_type", "facts", "field"),
        [
            ("ReceiveStock", messages.ReceiveStockRequest, {"quantity": 0}, "quantity"),
            ("ReceiveStock", messages.ReceiveStockRequest, {"quantity": -1}, "quantity"),
            ("ReceiveStock", messages.ReceiveStockRequest, {"quantity": 2_000_000_000}, "quantity"),
            ("AdjustStock", messages.AdjustStockRequest, {"quantity": 0, "reason": "x"}, "quantity"),
            ("AdjustStock", messages.AdjustStockRequest, {"quantity": -2_000_000_000, "reason": "x"}, "quantity"),
            ("AdjustStock", messages.AdjustStockRequest, {"quantity": 1}, "reason"),
            ("AdjustStock", messages.AdjustStockRequest, {"quantity": 1, "reason": "  "}, "reason"),
            ("CountStock", messages.CountStockRequest, {}, "counted_qty"),
            ("CountStock", messages.CountStockRequest, {"counted_qty": -1}, "counted_qty"),
            ("CountStock", messages.CountStockRequest, {"counted_qty": 2_000_000_000}, "counted_qty"),
        ],
    )
    def test_names_the_field_and_writes_nothing(
        self, shop: Shop, method: str, request_type: Any, facts: dict[str, Any], field: str
    ) -> None:
        product = shop.product(available=10)

        with pytest.raises(Refused) as refused:
            shop.mesh.write(
                getattr(shop.stock, method), request_type(product_id=str(product), **facts), token=shop.vendor
            )

        assert refused.value.code == "INVALID_ARGUMENT"
        assert refused.value.violations[0].field == field
        assert shop.inventory(product) == (10, 0, 0, 10)
        assert len(_movements(shop, product)) == 1


class TestListStockMovements:
    def test_tells_who_did_what_when_newest_first(self, shop: Shop) -> None:
        product, user = shop.product(available=10), uuid.uuid4()
        shop.mesh.clock.advance(timedelta(seconds=1))
        request = messages.AdjustStockRequest(product_id=str(product), quantity=-1, reason="broken")
        token = shop.mesh.store_token(shop.vendor_id, user_id=user)
        shop.mesh.write(shop.stock.AdjustStock, request, token=token)

        newest, oldest = _movements(shop, product)

        assert (newest.actor_user_id, newest.cause, newest.reason) == (str(user), "vendor", "broken")
        assert newest.created_at.ToDatetime().replace(tzinfo=shop.mesh.clock.now().tzinfo) == shop.mesh.clock.now()
        assert (oldest.cause, oldest.quantity) == ("product", 10)

    def test_pages(self, shop: Shop) -> None:
        product = shop.product(available=1)
        for quantity in (2, 3, 4):
            shop.mesh.clock.advance(timedelta(seconds=1))
            _receive(shop, product, quantity)

        request = messages.ListStockMovementsRequest(product_id=str(product), limit=3)
        first = shop.mesh.read(shop.stock.ListStockMovements, request, token=shop.vendor)
        request.cursor = first.next_cursor
        second = shop.mesh.read(shop.stock.ListStockMovements, request, token=shop.vendor)

        assert [m.quantity for m in (*first.items, *second.items)] == [4, 3, 2, 1]
        assert second.next_cursor == ""

    def test_knows_no_foreign_product(self, shop: Shop) -> None:
        product, stranger = shop.product(), shop.mesh.store_token(uuid.uuid4())

        refusals = []
        for wanted in (product, uuid.uuid4()):
            request = messages.ListStockMovementsRequest(product_id=str(wanted))
            with pytest.raises(Refused) as refused:
                shop.mesh.read(shop.stock.ListStockMovements, request, token=stranger)
            refusals.append(refused.value)

        assert refusals[0].code == "NOT_FOUND"
        assert refusals[0].status == refusals[1].status


class TestStockMovements:
    def test_say_what_was_set(self, shop: Shop) -> None:
        product = shop.product(available=10)
        request = product_service_pb2.SetInventoryRequest(product_id=str(product), available_qty=4)
        shop.mesh.write(shop.products.SetInventory, request, token=shop.vendor)
        shop.mesh.write(shop.products.SetInventory, request, token=shop.vendor)

        assert {(m.kind, m.quantity) for m in _movements(shop, product)} == {(_KIND.received, 10), (_KIND.set, -6)}

    def test_audit_before_and_after(self, shop: Shop) -> None:
        product = shop.product(available=10)

        _receive(shop, product, 5)
        _adjust(shop, product, -1)
        _count(shop, product, 20)

        sql = "SELECT * FROM audit_log WHERE target = :id AND action LIKE 'inventory.%' ORDER BY seq"
        rows = shop.mesh.rows("catalog", sql, id=str(product))
        assert [(row.action, row.before["available_qty"], row.after["available_qty"]) for row in rows] == [
            ("inventory.receive", 10, 15),
            ("inventory.adjust", 15, 14),
            ("inventory.count", 14, 20),
        ]
        assert [row.request.get("reason") for row in rows] == [None, "because", None]

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE stock_movements SET quantity = 1", "DELETE FROM stock_movements", "TRUNCATE stock_movements"],
    )
    def test_cannot_be_changed_by_the_service(self, shop: Shop, statement: str) -> None:
        product = shop.product(available=10)

        with pytest.raises(DBAPIError), shop.mesh.transaction("catalog") as tx:
            tx.execute(text(statement))

        assert [m.quantity for m in _movements(shop, product)] == [10]

    def test_are_completed_for_the_version_before_that_knew_none(self, shop: Shop) -> None:
        product = shop.product(available=10)

        with shop.mesh.transaction("catalog") as tx:
            statement = "UPDATE inventory_items SET available_qty = 4, received_qty = 4 WHERE product_id = :id"
            tx.execute(text(statement), {"id": product})

        assert {(m.quantity, m.cause) for m in _movements(shop, product)} == {(10, "product"), (-6, "migration")}

    def test_are_not_written_by_orders(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 3), (product, 2))

        shop.reserve(checkout)
        shop.mesh.deliver("catalog", checkout.created())
        shop.mesh.deliver("catalog", checkout.changed("delivered"))

        assert shop.inventory(product) == (5, 0, 5, 10)
        assert len(_movements(shop, product)) == 1


def _stock(shop: Shop, **facts: Any) -> messages.ListInventoryResponse:
    request = messages.ListInventoryRequest(**facts)
    answer: messages.ListInventoryResponse = shop.mesh.read(shop.stock.ListInventory, request, token=shop.vendor)
    return answer


def _receive(shop: Shop, product: uuid.UUID, quantity: int, *, reason: str = "") -> messages.StockChange:
    request = messages.ReceiveStockRequest(product_id=str(product), quantity=quantity, reason=reason)
    answer: messages.StockChange = shop.mesh.write(shop.stock.ReceiveStock, request, token=shop.vendor)
    return answer


def _adjust(shop: Shop, product: uuid.UUID, quantity: int, *, reason: str = "because") -> messages.StockChange:
    request = messages.AdjustStockRequest(product_id=str(product), quantity=quantity, reason=reason)
    answer: messages.StockChange = shop.mesh.write(shop.stock.AdjustStock, request, token=shop.vendor)
    return answer


def _count(shop: Shop, product: uuid.UUID, counted: int) -> messages.StockChange:
    request = messages.CountStockRequest(product_id=str(product), counted_qty=counted)
    answer: messages.StockChange = shop.mesh.write(shop.stock.CountStock, request, token=shop.vendor)
    return answer


def _movements(shop: Shop, product: uuid.UUID) -> list[messages.StockMovement]:
    request = messages.ListStockMovementsRequest(product_id=str(product), limit=100)
    return list(shop.mesh.read(shop.stock.ListStockMovements, request, token=shop.vendor).items)
