"""An expired order is bought again: all of it or nothing, once, whatever dies in between."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from marketmesh.commerce.v1 import order_pb2, order_service_pb2
from meshkit.db.tx import Tx
from services.commerce.orders.data import retries
from services.commerce.orders.flows import retry_order as flow
from tests.commerce.checkout.flows.test_checkout_failures import away_on, crash, resume, settle
from tests.commerce.market import Market, status_name
from tests.commerce.stages import lines_of, refuse
from tests.support.mesh_harness import Refused, as_dict


def expired(market: Market, *wanted: tuple[str, int], **options: Any) -> order_pb2.Order:
    """Return an order that has expired; catalog has its stock back, as the event would bring about."""
    order = market.order(*(wanted or ((market.product(), 2), (market.product(price_cents=700), 1))), **options)
    for line in order.items:
        market.catalog.stock[line.product_id] += line.qty
    return market.expire(order.order_id)


def orders_in_place_of(market: Market, order_id: str) -> list[Any]:
    sql = (
        "SELECT o.*, c.attribution_tokens FROM order_retries r JOIN cart_records c ON c.status = 'converted'"
        " JOIN vendor_orders o ON o.checkout_group_id = r.checkout_group_id AND o.cart_id = c.id"
        " WHERE r.order_id = CAST(:id AS uuid)"
    )
    return market.mesh.rows("commerce", sql, id=order_id)


def retries_of(market: Market, order_id: str) -> list[Any]:
    return market.mesh.rows("commerce", "SELECT * FROM order_retries WHERE order_id = CAST(:id AS uuid)", id=order_id)


def told(market: Market, order_id: str, event_class: type[Any]) -> list[Any]:
    return [event for event in market.events(order_id) if isinstance(event, event_class)]


def attribute(market: Market, table: str, row_id: str) -> tuple[dict[str, str], uuid.UUID]:
    """Let an ad have earned an order or a line, as the engine will; returns what stands there then."""
    ad_id = uuid.uuid4()
    document = {"ad_id": str(ad_id), "reason": "store_click_match"}
    with market.mesh.transaction("commerce") as tx:
        tx.execute(
            text(f"UPDATE {table} SET attribution = CAST(:document AS jsonb), attributed_ad_id = :ad WHERE id = :id"),
            {"document": json.dumps(document), "ad": ad_id, "id": uuid.UUID(row_id)},
        )
    return document, ad_id


def attribution(market: Market, table: str, row_id: str) -> tuple[Any, Any]:
    sql = f"SELECT attribution, attributed_ad_id FROM {table} WHERE id = CAST(:id AS uuid)"
    (row,) = market.mesh.rows("commerce", sql, id=row_id)
    return row.attribution, row.attributed_ad_id


class TestRetryOrder:
    def test_makes_a_new_order_of_the_same_lines(self, market: Market) -> None:
        market.catalog.promos[market.vendor, "TEN"] = 300
        product = market.product(price_cents=1000, tiers=((2, "10"),))
        order = expired(market, (product, 3), promos=[(market.vendor, "TEN")])
        request = order_service_pb2.RetryOrderRequest(order_id=order.order_id)

        answer, headers = market.mesh.call(
            market.orders.RetryOrder, request, token=market.buyer_token, key=uuid.uuid4().hex
        )

        new = market.read(answer.order_id)
        assert headers["x-http-status"] == "201"
        assert new == answer.order
        assert new.order_id != order.order_id
        assert answer.checkout_group_id == new.checkout_group_id != order.checkout_group_id
        assert (new.retry_of_order_id, status_name(new)) == (order.order_id, "created_pending")
        assert new.order_number > order.order_number
        assert (new.total_cents, new.balance_due_cents) == (order.total_cents, 2700 - 300)
        assert [(line.product_id, line.qty, line.unit_price_cents) for line in new.items] == [(product, 3, 1000)]
        assert (lines_of(new), new.items[0].notes) == (["pending"], "")
        assert as_dict(new)["payment_status"] == "unpaid"
        assert new.payment_intent_id != order.payment_intent_id
        assert market.read(order.order_id) == order
        assert market.prove() == []

    def test_costs_what_it_costs_today(self, market: Market) -> None:
        product = market.product(price_cents=1000, tiers=((2, "10"),))
        order = expired(market, (product, 3))
        market.catalog.products[product].price_cents = 800
        market.catalog.products[product].volume_discounts[0].discount_percent = "50"

        new = market.retry(order.order_id).order

        assert (order.items[0].line_subtotal_cents, new.items[0].unit_price_cents) == (3000, 800)
        assert (new.items[0].discount_cents, new.total_cents, new.balance_due_cents) == (1200, 1200, 1200)
        assert market.prove() == []

    def test_takes_the_delivery_fee_and_the_tokens_over(self, market: Market) -> None:
        quote = market.quote(tokens=["token-1", "token-2"])
        line = order_pb2.ShippingLine(code="std", title="Standard", price_cents=450)
        (order,) = market.checkout(quote.id, shipping_line=line).vendor_orders
        market.expire(order.order_id)

        new = market.retry(order.order_id).order

        assert (new.transport_fee_cents, new.total_cents) == (450, order.total_cents)
        (row,) = orders_in_place_of(market, order.order_id)
        assert row.attribution_tokens == ["token-1", "token-2"]

    def test_takes_over_what_earned_the_order_and_its_lines(self, market: Market) -> None:
        order = market.order()
        earned = {"vendor_orders": attribute(market, "vendor_orders", order.order_id)}
        earned["order_line_items"] = attribute(market, "order_line_items", order.items[0].line_item_id)
        market.expire(order.order_id)

        new = market.retry(order.order_id).order

        for table, new_id in (("vendor_orders", new.order_id), ("order_line_items", new.items[0].line_item_id)):
            assert attribution(market, table, new_id) == earned[table]

    def test_leaves_out_what_the_order_had_lost_before(self, market: Market) -> None:
        order = market.order((market.product(), 1), (market.product(price_cents=500), 1))
        market.decide_line(order.order_id, order.items[0].line_item_id, "reject")
        market.expire(order.order_id)

        new = market.retry(order.order_id).order

        assert [line.product_id for line in new.items] == [order.items[1].product_id]
        assert new.total_cents == 500
        assert market.prove() == []

    def test_is_announced_as_a_new_order_and_as_a_retry(self, market: Market) -> None:
        order = expired(market)

        new = market.retry(order.order_id).order

        (created,) = market.events(new.order_id)
        (retried,) = told(market, order.order_id, events.OrderRetried)
        assert isinstance(created, events.OrderCreated)
        assert (retried.new_order_id, retried.order) == (new.order_id, created.order)

    def test_of_a_retry_that_expired_is_a_retry_too(self, market: Market) -> None:
        first = expired(market)
        second = market.retry(first.order_id).order
        market.expire(second.order_id)

        third = market.retry(second.order_id).order

        assert third.retry_of_order_id == second.order_id
        assert third.total_cents == first.total_cents
        assert market.prove() == []


class TestRefusals:
    def test_names_what_cannot_be_had_and_changes_nothing(self, market: Market) -> None:
        there, gone = market.product(stock=5), market.product(stock=5)
        order = expired(market, (there, 2), (gone, 3))
        before = len(market.events(order.order_id))
        market.catalog.stock[gone] = 2

        refused = refuse(market.retry, order.order_id)

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "RETRY_REFUSED")
        assert refused.headers["x-http-status"] == "409"
        assert [(item.field, item.description) for item in refused.violations] == [
            ("items[1]", f"3 of product {gone}: insufficient_inventory")
        ]
        assert orders_in_place_of(market, order.order_id) == []
        assert market.read(order.order_id) == order
        assert len(market.events(order.order_id)) == before
        (retry,) = retries_of(market, order.order_id)
        assert market.catalog.released[-1] == str(retry.checkout_group_id)
        assert str(retry.checkout_group_id) not in market.catalog.reserved

    def test_is_no_obstacle_once_everything_is_there(self, market: Market) -> None:
        product = market.product(stock=5)
        order = expired(market, (product, 3))
        token, key = market.buyer_token, uuid.uuid4().hex
        market.catalog.stock[product] = 0
        refuse(market.retry, order.order_id, token=token, key=key)
        market.catalog.stock[product] = 3

        assert market.retry(order.order_id, token=token, key=key).order.total_cents == order.total_cents

    def test_refuses_a_vendor_that_may_not_sell(self, market: Market) -> None:
        order = expired(market)
        market.gate(market.vendor, version=2, name="Vendor", subscription_active=False)

        refused = refuse(market.retry, order.order_id)

        assert (refused.reason, refused.violations[0].field) == ("RETRY_REFUSED", "vendor_store_id")
        assert retries_of(market, order.order_id) == []

    def test_refuses_a_buyer_that_is_not_verified(self, market: Market) -> None:
        order = expired(market)
        market.gate(market.buyer, version=2, type="buyer", name="Buyer", kyc_status="expired")

        assert refuse(market.retry, order.order_id).reason == "BUYER_NOT_VERIFIED"
        assert retries_of(market, order.order_id) == []

    def test_does_not_know_somebody_else_s_order(self, market: Market) -> None:
        order = expired(market)

        refused = refuse(market.retry, order.order_id, token=market.mesh.store_token(uuid.uuid4(), store_type="buyer"))

        assert refused.code == "NOT_FOUND"
        assert retries_of(market, order.order_id) == []


class TestHigherPrice:
    @pytest.mark.parametrize("cause", ["price", "promo"])
    def test_is_refused_until_it_is_accepted(self, market: Market, cause: str) -> None:
        market.catalog.promos[market.vendor, "TEN"] = 300
        product = market.product(price_cents=1000, stock=5)
        order = expired(market, (product, 2), promos=[(market.vendor, "TEN")])
        if cause == "price":
            market.catalog.products[product].price_cents = 1150
        else:
            del market.catalog.promos[market.vendor, "TEN"]

        refused = refuse(market.retry, order.order_id)
        too_little = refuse(market.retry, order.order_id, accept_total_cents=1999)

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "RETRY_PRICE_CHANGED")
        assert (refused.metadata["expired_total_cents"], refused.metadata["total_cents"]) == ("1700", "2000")
        assert too_little.reason == "RETRY_PRICE_CHANGED"
        assert orders_in_place_of(market, order.order_id) == []
        assert market.catalog.stock[product] == 5
        new = market.retry(order.order_id, accept_total_cents=2000).order
        assert (new.total_cents, new.discount_cents) == (2000, 300 if cause == "price" else 0)
        assert market.catalog.stock[product] == 3

    def test_leaves_nothing_and_does_not_hide_the_answer_of_a_retry_that_stands(self, market: Market) -> None:
        product, key = market.product(price_cents=1000), uuid.uuid4().hex
        order = expired(market, (product, 2))
        token = market.buyer_token
        market.catalog.products[product].price_cents = 1001
        refuse(market.retry, order.order_id)
        assert retries_of(market, order.order_id) == []
        market.catalog.products[product].price_cents = 1000
        answer = market.retry(order.order_id, token=token, key=key)
        market.catalog.products[product].price_cents = 5000

        assert market.retry(order.order_id, token=token, key=key) == answer
        assert market.retry(order.order_id) == answer

    @pytest.mark.parametrize(("change", "reason"), [({"moq": 5}, "below_moq"), ({"max_qty": 2}, "above_max_qty")])
    def test_another_quantity_is_not_bought_in_its_place(
        self, market: Market, change: dict[str, int], reason: str
    ) -> None:
        product = market.product()
        order = expired(market, (product, 3))
        for name, value in change.items():
            setattr(market.catalog.products[product], name, value)

        refused = refuse(market.retry, order.order_id)

        assert (refused.reason, refused.violations[0].description) == (
            "RETRY_REFUSED",
            f"3 of product {product}: {reason}",
        )


class TestRepetition:
    @pytest.mark.parametrize("same_key", [True, False])
    def test_answers_the_same_new_order(self, market: Market, same_key: bool) -> None:
        order, token, key = expired(market), market.buyer_token, uuid.uuid4().hex
        first = market.retry(order.order_id, token=token, key=key)
        market.decide(first.order_id, "accept")

        again = market.retry(order.order_id, token=token, key=key if same_key else uuid.uuid4().hex)

        assert again == first
        assert len(orders_in_place_of(market, order.order_id)) == 1
        assert len(told(market, order.order_id, events.OrderRetried)) == 1

    def test_ten_at_once_are_one(self, market: Market) -> None:
        order, token = expired(market), market.buyer_token

        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: market.retry(order.order_id, token=token).order_id, range(10)))

        assert len(set(answers)) == 1
        assert len(orders_in_place_of(market, order.order_id)) == 1
        assert market.prove() == []


def before_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_reserve", crash)


def after_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_write", crash)


def inside_the_last_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow.retries, "convert", crash)


CRASH_POINTS = (before_reserve, after_reserve, inside_the_last_transaction)


class TestCrash:
    @pytest.mark.parametrize("crash_point", CRASH_POINTS)
    @pytest.mark.parametrize("who", ["resume job", "same key", "another key"])
    def test_is_finished_by_somebody_once(
        self, market: Market, monkeypatch: pytest.MonkeyPatch, crash_point: Callable[..., None], who: str
    ) -> None:
        product = market.product(stock=4)
        order = expired(market, (product, 3))
        token, key = market.buyer_token, uuid.uuid4().hex
        crash_point(monkeypatch)
        assert refuse(market.retry, order.order_id, token=token, key=key).code == "INTERNAL"
        assert orders_in_place_of(market, order.order_id) == []
        (begun,) = retries_of(market, order.order_id)
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(seconds=21))

        if who == "resume job":
            resume(market)
            resume(market)
        answer = market.retry(order.order_id, token=token, key=uuid.uuid4().hex if who == "another key" else key)
        resume(market)

        assert answer.checkout_group_id == str(begun.checkout_group_id)
        assert market.catalog.stock[product] == 1
        assert [str(row.id) for row in orders_in_place_of(market, order.order_id)] == [answer.order_id]
        assert len(market.events(answer.order_id)) == 1
        assert len(told(market, order.order_id, events.OrderRetried)) == 1
        assert market.prove() == []

    @pytest.mark.parametrize("step", ["fail", "release"])
    def test_in_the_middle_of_giving_up_leaves_the_next_retry_possible(
        self, market: Market, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        product = market.product(stock=4)
        order = expired(market, (product, 3))
        market.catalog.stock[product] = 2
        if step == "fail":
            monkeypatch.setattr(flow.retries, "fail", crash)
        else:
            monkeypatch.setattr(flow, "release_stock", crash)
        refuse(market.retry, order.order_id)
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(seconds=21))
        resume(market)
        market.catalog.stock[product] = 3

        assert market.retry(order.order_id).order.total_cents == order.total_cents
        assert len(orders_in_place_of(market, order.order_id)) == 1

    def test_starts_over_when_its_stock_may_have_expired(self, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
        order = expired(market)
        after_reserve(monkeypatch)
        refuse(market.retry, order.order_id)
        (begun,) = retries_of(market, order.order_id)
        monkeypatch.undo()
        market.mesh.clock.advance(timedelta(minutes=11))

        answer = market.retry(order.order_id)

        assert answer.checkout_group_id != str(begun.checkout_group_id)
        assert len(orders_in_place_of(market, order.order_id)) == 1

    def test_is_away_like_catalog_and_goes_on_with_the_same_group(self, market: Market) -> None:
        product = market.product(stock=4)
        order = expired(market, (product, 3))
        token, key = market.buyer_token, uuid.uuid4().hex
        market.catalog.after = away_on("Reserve")
        refused = refuse(market.retry, order.order_id, token=token, key=key)
        market.catalog.after = None

        answer = market.retry(order.order_id, token=token, key=key)

        assert (refused.code, refused.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert market.catalog.stock[product] == 1
        assert answer.order.total_cents == order.total_cents


class TestOvertaken:
    def test_a_run_that_was_away_too_long_leaves_nothing(self, market: Market) -> None:
        order, token = expired(market), market.buyer_token
        hanging, go_on, refusals = threading.Event(), threading.Event(), []

        def hang(name: str) -> None:
            if name == "Reserve" and not hanging.is_set():
                hanging.set()
                assert go_on.wait(8)
                market.catalog.before = None
                with market.mesh.transaction("commerce") as tx:
                    tx.execute(
                        text("UPDATE order_retries SET checkout_group_id = :new WHERE order_id = CAST(:id AS uuid)"),
                        {"new": uuid.uuid4(), "id": order.order_id},
                    )

        market.catalog.before = hang
        run = threading.Thread(target=lambda: refusals.append(refused_retry(market, order.order_id, token)))
        run.start()
        assert hanging.wait(5)
        go_on.set()
        run.join(10)

        assert refusals == ["RETRY_RUNNING"]
        assert orders_in_place_of(market, order.order_id) == []
        assert market.retry(order.order_id).order_id

    def test_a_run_that_is_given_up_just_before_its_end_leaves_nothing(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Catalog is told that the group will not be bought and gives the stock to others: no order may stand without it."""
        order = expired(market)
        convert, bought = retries.convert, []

        def settle_first(tx: Tx, **values: Any) -> bool:
            bought.append(settle(market, str(values["group_id"])))
            return convert(tx, **values)

        monkeypatch.setattr(retries, "convert", settle_first)
        refused = refuse(market.retry, order.order_id)
        monkeypatch.undo()

        assert (bought, refused.reason) == ([[]], "RETRY_RUNNING")
        assert orders_in_place_of(market, order.order_id) == []
        assert market.retry(order.order_id).order_id
        assert market.prove() == []


def refused_retry(market: Market, order_id: str, token: str) -> str:
    try:
        market.retry(order_id, token=token)
    except Refused as refused:
        return refused.reason
    return "answered"
