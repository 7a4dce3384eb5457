"""Checkout through the whole chain, while nothing fails."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as events
from marketmesh.commerce.v1 import cart_service_pb2
from meshkit.ids import derived_id
from tests.commerce.market import ACH, Market, status_name
from tests.support.identity import address
from tests.support.mesh_harness import Refused, as_dict


def reserved(market: Market, group_id: str) -> int:
    return len(market.catalog.reserved.get(group_id, {}))


def refuse(market: Market, cart_id: str, **options: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        market.checkout(cart_id, **options)
    return refused.value


class TestConversion:
    def test_makes_one_order_per_vendor_that_costs_what_was_quoted(self, market: Market) -> None:
        other = market.new_vendor(name="Other")
        market.catalog.promos[market.vendor, "TEN"] = 1000
        flower, vape = market.product(price_cents=2000, tiers=[(2, "10")]), market.product(price_cents=300)
        edible = market.product(other, price_cents=700)
        quote = market.quote((flower, 2), (edible, 3), (vape, 1), promos=[(market.vendor, "TEN")])

        answer = market.checkout(quote.id, tip_cents=250)

        first, second = answer.vendor_orders
        assert (first.vendor_store_id, second.vendor_store_id) == (market.vendor, other)
        assert [order.total_cents for order in answer.vendor_orders] == [g.total_cents for g in quote.vendor_groups]
        assert (first.subtotal_cents, first.discount_cents, first.total_cents) == (4300, 400 + 1000, 2900)
        assert [line.product_id for line in first.items] == [flower, vape]
        assert sum(order.balance_due_cents for order in answer.vendor_orders) == quote.total_cents
        assert answer.tip_cents == 250
        assert not answer.rejected_vendors
        assert market.prove() == []

    def test_answers_as_created_with_everything_a_client_shows(self, market: Market) -> None:
        request = market.checkout_request(market.quote().id)

        answer, headers = market.mesh.call(
            market.carts.Checkout, request, token=market.buyer_token, key=uuid.uuid4().hex
        )

        (order,) = as_dict(answer)["vendor_orders"]
        assert headers["x-http-status"] == "201"
        assert order["payment_intent_id"] == str(derived_id("payment_intent", uuid.UUID(order["order_id"])))
        assert (order["status"], order["payment_status"], order["payment_method"]) == (
            "created_pending",
            "unpaid",
            "cash",
        )
        assert (order["buyer_store_name"], order["vendor_store_name"]) == ("Buyer", "Vendor")
        assert int(order["order_number"]) > 0
        assert answer.billing_address == answer.shipping_address == request.shipping_address

    @pytest.mark.parametrize(
        ("quoted", "told", "expected"), [(7, {}, 7), (7, {"tip_cents": 0}, 0), (7, {"tip_cents": 9}, 9), (None, {}, 0)]
    )
    def test_keeps_the_tip_of_the_quote_unless_told(
        self, market: Market, quoted: int | None, told: dict[str, int], expected: int
    ) -> None:
        request = market.quote_request((market.product(), 1))
        if quoted is not None:
            request.tip_cents = quoted
        quote = market.send_quote(request)

        answer = market.checkout(quote.id, **told)

        (row,) = market.mesh.rows("commerce", "SELECT * FROM cart_records WHERE id = CAST(:id AS uuid)", id=quote.id)
        assert (answer.tip_cents, row.tip_cents) == (expected, expected)
        assert market.checkout(quote.id, key="another").tip_cents == expected

    def test_shows_zeros_of_address_and_shipping(self, market: Market) -> None:
        place = address(state="OK")
        place.lat = place.lng = 0
        line = {"code": "own", "title": "Own van", "price_cents": 0}

        answer = as_dict(market.checkout(market.quote().id, shipping_address=place, shipping_line=line))

        for shown in (answer, answer["vendor_orders"][0]):
            assert shown["shipping_line"]["price_cents"] == "0"
            assert (shown["shipping_address"]["lat"], shown["shipping_address"]["lng"]) == (0.0, 0.0)

    def test_converts_the_cart_in_the_same_commit(self, market: Market) -> None:
        quote = market.quote()

        answer = market.checkout(quote.id, billing_address=address(state="TX"), tip_cents=5)

        (row,) = market.mesh.rows("commerce", "SELECT * FROM cart_records WHERE id = CAST(:id AS uuid)", id=quote.id)
        assert (row.status, str(row.checkout_group_id), row.payment_method) == (
            "converted",
            answer.checkout_group_id,
            "cash",
        )
        assert (row.converted_at, row.tip_cents) == (market.mesh.clock.now(), 5)
        assert (row.shipping_address["state"], row.billing_address["state"]) == ("OK", "TX")

    def test_announces_each_order_and_the_checkout_exactly_once(self, market: Market) -> None:
        other = market.new_vendor()
        quote = market.quote((market.product(), 1), (market.product(other), 2), tokens=["tok"])

        answer = market.checkout(quote.id)

        created = [market.events(order.order_id) for order in answer.vendor_orders]
        (converted,) = market.events(answer.checkout_group_id)
        assert [[type(event) for event in found] for found in created] == [[events.OrderCreated]] * 2
        assert created[0][0].order.lines[0].total_cents == 1000
        assert created[0][0].order.shipping_zip == "74103"
        assert isinstance(converted, events.CheckoutConverted)
        assert list(converted.order_ids) == [order.order_id for order in answer.vendor_orders]
        assert (converted.total_cents, list(converted.attribution_tokens)) == (3000, ["tok"])
        assert (converted.shipping_zip, converted.shipping_lat, converted.shipping_lng) == (
            created[0][0].order.shipping_zip,
            created[0][0].order.shipping_lat,
            created[0][0].order.shipping_lng,
        )
        assert [(item.order_id, item.qty, item.total_cents) for item in converted.items] == [
            (order.order_id, qty, cents)
            for order, qty, cents in zip(answer.vendor_orders, (1, 2), (1000, 2000), strict=True)
        ]

    def test_tells_analytics_every_sum_and_every_order(self, market: Market) -> None:
        other = market.new_vendor()
        gone = market.product(other)
        quote = market.quote((market.product(price_cents=1000, tiers=[(2, "10")]), 2), (gone, 1))
        market.catalog.stock[gone] = 0
        line = {"code": "std", "title": "Standard", "price_cents": 50}

        answer = market.checkout(quote.id, shipping_line=line, tip_cents=7)

        (converted,) = market.events(answer.checkout_group_id)
        told = as_dict(converted)
        sums = ("subtotal_cents", "discounts_cents", "tax_cents", "transport_fee_cents", "total_cents", "tip_cents")
        assert [int(told[name]) for name in sums] == [2000, 200, 0, 50, 1850, 7]
        assert [(order["order_id"], order["status"], int(order["total_cents"])) for order in told["orders"]] == [
            (answer.vendor_orders[0].order_id, "created_pending", 1850),
            (answer.vendor_orders[1].order_id, "rejected", 0),
        ]

    def test_keeps_what_the_buyer_saw_and_wrote(self, market: Market) -> None:
        picture = str(uuid.uuid4())
        product = market.product(
            moq=3, max_qty=9, strain="Haze", classification="sativa", sku="HZ-1", thumbnail_media_id=picture
        )
        quote = market.quote((product, 1), promos=[(market.vendor, "NOSUCH")])
        line = {"code": "std", "title": "Standard", "price_cents": 50}

        (order,) = market.checkout(quote.id, shipping_line=line, notes="Ring twice.").vendor_orders

        for seen in (order, market.read(order.order_id, token=market.buyer_token), market.read(order.order_id)):
            told = as_dict(seen)
            assert (told["notes"], told["internal_notes"], told["warnings"]) == ("Ring twice.", "", ["invalid_promo"])
            assert told["shipping_line"] == {"code": "std", "title": "Standard", "price_cents": "50"}
            item = told["items"][0]
            assert {name: item[name] for name in ("sku", "strain", "classification", "moq", "max_qty")} == {
                "sku": "HZ-1", "strain": "Haze", "classification": "sativa", "moq": 3, "max_qty": 9,
            }  # fmt: skip
            assert (item["thumbnail_media_id"], item["warnings"]) == (picture, ["clamped_to_moq"])
            assert item["cart_item_id"] == quote.items[0].id
            assert told["payment_intent"] == {
                "payment_intent_id": order.payment_intent_id, "method": "cash", "status": "unpaid",
                "amount_cents": "3050", "currency": "USD",
            }  # fmt: skip

    def test_asks_catalog_once_for_all_lines(self, market: Market) -> None:
        quote = market.quote(*((market.product(market.new_vendor()), 2) for _ in range(4)))
        market.catalog.calls.clear()

        answer = market.checkout(quote.id)

        assert market.catalog.calls == ["Reserve"]
        assert reserved(market, answer.checkout_group_id) == 4

    def test_splits_the_shipping_price_over_the_orders_to_the_cent(self, market: Market) -> None:
        wanted = [(market.product(market.new_vendor(), price_cents=1000), 1) for _ in range(3)]
        line = {"code": "std", "title": "Standard", "price_cents": 100}

        answer = market.checkout(market.quote(*wanted).id, shipping_line=line)

        assert [order.transport_fee_cents for order in answer.vendor_orders] == [34, 33, 33]
        assert [order.total_cents for order in answer.vendor_orders] == [1034, 1033, 1033]
        assert answer.shipping_line.price_cents == 100
        assert market.prove() == []

    def test_freezes_prices_at_the_quote(self, market: Market) -> None:
        product = market.product(price_cents=1000)
        quote = market.quote((product, 1))
        market.catalog.products[product].price_cents = 5000

        assert market.checkout(quote.id).vendor_orders[0].total_cents == 1000

    def test_an_order_stays_what_it_was_when_its_product_changes(self, market: Market) -> None:
        product = market.product(price_cents=1000)
        order = market.order((product, 1))
        facts = market.catalog.products[product]
        facts.price_cents, facts.title = 5000, "Another name"

        assert market.read(order.order_id) == order

    def test_nothing_has_earned_an_order_that_nobody_attributed(self, market: Market) -> None:
        order = market.order(tokens=["tok"])

        for table, column in (("vendor_orders", "id"), ("order_line_items", "order_id")):
            sql = f"SELECT attribution, attributed_ad_id FROM {table} WHERE {column} = CAST(:id AS uuid)"
            (row,) = market.mesh.rows("commerce", sql, id=order.order_id)
            assert tuple(row) == (None, None)

    def test_leaves_items_out_that_were_not_ok(self, market: Market) -> None:
        good, gone = market.product(), market.product(stock=0)

        (order,) = market.checkout(market.quote((good, 1), (gone, 1)).id).vendor_orders

        assert [line.product_id for line in order.items] == [good]


class TestPartialSuccess:
    def test_rejects_a_line_without_stock_and_lets_the_others_stand(self, market: Market) -> None:
        scarce, plenty = market.product(price_cents=700), market.product(price_cents=300)
        quote = market.quote((scarce, 1), (plenty, 1))
        market.catalog.stock[scarce] = 0

        answer = market.checkout(quote.id)

        (order,) = as_dict(answer)["vendor_orders"]
        assert [(line["status"], line["notes"]) for line in order["items"]] == [
            ("rejected", "insufficient_inventory"),
            ("pending", ""),
        ]
        assert (order["status"], order["total_cents"], order["balance_due_cents"]) == ("created_pending", "300", "300")
        assert not answer.rejected_vendors

    def test_rejects_an_order_without_a_surviving_line(self, market: Market) -> None:
        other = market.new_vendor()
        scarce, plenty = market.product(), market.product(other)
        quote = market.quote((scarce, 2), (plenty, 1))
        market.catalog.stock[scarce] = 1

        answer = market.checkout(quote.id, shipping_line={"price_cents": 500})

        dead, alive = as_dict(answer)["vendor_orders"]
        assert (dead["status"], dead["total_cents"], dead["balance_due_cents"]) == ("rejected", "0", "0")
        assert (alive["status"], alive["transport_fee_cents"]) == ("created_pending", "500")
        (rejected,) = as_dict(answer)["rejected_vendors"]
        assert (rejected["vendor_store_id"], rejected["warnings"]) == (market.vendor, ["insufficient_inventory"])
        assert [line["product_id"] for line in rejected["line_items"]] == [scarce]
        assert market.prove() == []

    def test_converts_even_when_nothing_at_all_is_left(self, market: Market) -> None:
        scarce = market.product()
        quote = market.quote((scarce, 1))
        market.catalog.stock[scarce] = 0

        answer = market.checkout(quote.id)

        assert [status_name(order) for order in answer.vendor_orders] == ["rejected"]
        assert refuse(market, str(uuid.uuid4())).code == "NOT_FOUND"
        assert market.prove() == []


class TestRepetition:
    def test_replays_the_same_bytes_with_the_same_key(self, market: Market) -> None:
        request, token, key = market.checkout_request(market.quote().id), market.buyer_token, uuid.uuid4().hex
        first, _ = market.mesh.call(market.carts.Checkout, request, token=token, key=key)

        second, headers = market.mesh.call(market.carts.Checkout, request, token=token, key=key)

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert (headers["x-idempotent-replay"], headers["x-http-status"]) == ("true", "201")

    def test_answers_the_earlier_result_under_another_key(self, market: Market) -> None:
        quote = market.quote()
        first = market.checkout(quote.id)
        market.decide(first.vendor_orders[0].order_id, "accept")

        second = market.checkout(quote.id, tip_cents=999, key="another")

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert len(market.events(first.checkout_group_id)) == 1

    def test_refuses_the_key_with_another_request(self, market: Market) -> None:
        quote, token, key = market.quote(), market.buyer_token, uuid.uuid4().hex
        market.checkout(quote.id, token=token, key=key)

        refused = refuse(market, quote.id, token=token, key=key, tip_cents=1)

        assert refused.reason == "IDEMPOTENCY_KEY_REUSED"

    def test_needs_a_key(self, market: Market) -> None:
        with pytest.raises(Refused) as refused:
            market.mesh.call(
                market.carts.Checkout, market.checkout_request(market.quote().id), token=market.buyer_token
            )

        assert refused.value.reason == "IDEMPOTENCY_KEY_MISSING"

    @pytest.mark.parametrize("same_key", [True, False])
    def test_converts_once_when_twenty_check_out_together(self, market: Market, same_key: bool) -> None:
        quote, token = market.quote((market.product(), 1), (market.product(market.new_vendor()), 1)), market.buyer_token

        def attempt(number: int) -> bytes | str:
            try:
                answer = market.checkout(
                    quote.id, token=token, key="one" + quote.id if same_key else f"{quote.id}{number}"
                )
            except Refused as refused:
                return refused.reason
            return bytes(answer.SerializeToString(deterministic=True))

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(attempt, range(20)))

        done = {answer for answer in answers if isinstance(answer, bytes)}
        assert len(done) == 1
        assert {answer for answer in answers if isinstance(answer, str)} <= {
            "IDEMPOTENCY_IN_PROGRESS",
            "CHECKOUT_RUNNING",
        }
        rows = market.mesh.rows(
            "commerce", "SELECT 1 FROM vendor_orders WHERE cart_id = CAST(:id AS uuid)", id=quote.id
        )
        assert len(rows) == 2
        assert market.prove() == []


class TestQuoteVersion:
    def test_buys_nothing_but_what_was_seen(self, market: Market) -> None:
        cheap, dear = market.product(price_cents=1037), market.product(price_cents=12375)
        seen = market.quote((cheap, 1))
        in_another_tab = market.quote((dear, 1))
        assert in_another_tab.id == seen.id

        refused = refuse(market, seen.id, quote_version=seen.quote_version)

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "QUOTE_CHANGED")
        assert refused.metadata["total_cents"] == "12375"
        assert refused.metadata["quote_version"] == in_another_tab.quote_version
        (order,) = market.checkout(seen.id, quote_version=in_another_tab.quote_version).vendor_orders
        assert order.total_cents == 12375

    def test_is_the_same_in_both_tabs_for_the_same_cart(self, market: Market) -> None:
        product = market.product()
        first, second = market.quote((product, 2)), market.quote((product, 2))

        assert first.quote_version == second.quote_version
        assert market.checkout(first.id, quote_version=first.quote_version).vendor_orders

    def test_is_demanded(self, market: Market) -> None:
        refused = refuse(market, market.quote().id, quote_version="")

        assert (refused.code, [item.field for item in refused.violations]) == ("INVALID_ARGUMENT", ["quote_version"])

    def test_of_another_quote_does_not_get_the_answer_of_what_was_bought(self, market: Market) -> None:
        seen = market.quote()
        bought = market.quote((market.product(price_cents=5), 1))
        answer = market.checkout(bought.id, quote_version=bought.quote_version)

        assert refuse(market, seen.id, quote_version=seen.quote_version).reason == "QUOTE_CHANGED"
        assert market.checkout(bought.id, quote_version=bought.quote_version) == answer

    def test_is_read_with_the_cart(self, market: Market) -> None:
        quote = market.quote()

        cart = market.mesh.read(market.carts.GetCart, cart_service_pb2.GetCartRequest(), token=market.buyer_token)

        assert cart.quote_version == quote.quote_version != ""


class TestVendorGates:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"subscription_active": False}, "VENDOR_SUSPENDED"),
            ({"kyc_status": "expired"}, "LICENSE_INVALID"),
            ({"state": "TX"}, "VENDOR_INVALID"),
        ],
    )
    def test_are_looked_at_when_it_is_bought(self, market: Market, change: dict[str, Any], reason: str) -> None:
        other = market.new_vendor()
        quote = market.quote((market.product(), 1), (market.product(other), 1))
        market.gate(other, version=2, **change)

        refused = refuse(market, quote.id)

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "VENDOR_UNAVAILABLE")
        (violation,) = refused.violations
        assert (violation.field, violation.description) == (
            "cart_id",
            f"vendor {other} may not sell to you now: {reason.lower()}",
        )
        assert market.catalog.calls[-1] == "GetQuoteFacts"
        market.gate(other, version=3)
        assert market.checkout(quote.id).vendor_orders


class TestRefusals:
    def test_finds_a_foreign_cart_as_little_as_a_missing_one(self, market: Market) -> None:
        quote = market.quote()

        foreign = refuse(market, quote.id, token=market.vendor_token)
        missing = refuse(market, str(uuid.uuid4()), token=market.vendor_token)

        assert foreign.status.SerializeToString(deterministic=True) == missing.status.SerializeToString(
            deterministic=True
        )
        assert foreign.code == "NOT_FOUND"

    def test_refuses_an_expired_quote_and_takes_the_next_one(self, market: Market) -> None:
        product = market.product()
        quote = market.quote((product, 1))
        market.mesh.clock.advance(timedelta(minutes=15, seconds=1))

        refused = refuse(market, quote.id)
        again = market.quote((product, 1))

        assert (refused.code, refused.reason, refused.headers["x-http-status"]) == (
            "FAILED_PRECONDITION",
            "QUOTE_EXPIRED",
            "409",
        )
        assert refused.metadata["valid_until"].startswith(quote.valid_until.ToDatetime().isoformat())
        assert market.checkout(again.id).vendor_orders[0].total_cents == 1000

    def test_takes_a_quote_in_its_last_second(self, market: Market) -> None:
        quote = market.quote()
        market.mesh.clock.advance(timedelta(minutes=15))

        assert market.checkout(quote.id).cart_id == quote.id

    def test_refuses_a_cart_without_a_line_that_can_be_bought(self, market: Market) -> None:
        assert refuse(market, market.quote((market.product(stock=0), 1)).id).reason == "CART_EMPTY"

    def test_refuses_less_than_the_least_quantity_naming_each_product(self, market: Market) -> None:
        """A quote raises quantities to the least one, unless the vendor's own maximum is below it."""
        wrong, fine = market.product(moq=5, max_qty=2), market.product(moq=5)
        quote = market.quote((fine, 1), (wrong, 1))

        refused = refuse(market, quote.id)

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "MOQ_VIOLATED")
        assert [(item.field, item.description) for item in refused.violations] == [
            ("items[1]", f"product_id {wrong}: requested 2, moq 5")
        ]
        few = cart_service_pb2.MoqViolations()
        assert sum(detail.Unpack(few) for detail in refused.status.details) == 1
        assert as_dict(few) == {"violations": [{"product_id": wrong, "requested": 2, "moq": 5}]}
        assert (
            market.mesh.read(market.carts.GetCart, cart_service_pb2.GetCartRequest(), token=market.buyer_token) == quote
        )

    def test_takes_the_quote_s_least_quantity_not_a_later_one(self, market: Market) -> None:
        product = market.product(moq=2)
        quote = market.quote((product, 2))
        market.catalog.products[product].moq = 9

        assert market.checkout(quote.id).vendor_orders[0].items[0].qty == 2

    def test_refuses_to_buy_from_oneself(self, market: Market) -> None:
        request = market.quote_request((market.product(), 1), buyer=market.vendor)
        quote = market.send_quote(request, token=market.vendor_token)

        assert refuse(market, quote.id, token=market.vendor_token).reason == "BUYER_IS_VENDOR"

    def test_checks_the_buyer_again(self, market: Market) -> None:
        quote = market.quote()
        market.gate(market.buyer, type="buyer", kyc_status="expired", version=9)

        refused = refuse(market, quote.id)

        assert (refused.reason, refused.metadata["kyc_status"]) == ("BUYER_NOT_VERIFIED", "expired")

    def test_refuses_bank_transfers_that_are_switched_off(self, market: Market) -> None:
        quote = market.quote()

        assert refuse(market, quote.id, payment_method=ACH).reason == "PAYMENT_METHOD_UNAVAILABLE"
        assert market.checkout(quote.id).vendor_orders

    @pytest.mark.parametrize("role", ["staff", "viewer", "admin", "agent", "ops"])
    def test_is_for_owners_and_managers(self, market: Market, role: str) -> None:
        token = market.mesh.store_token(market.buyer, store_type="buyer", role=role)

        assert refuse(market, market.quote().id, token=token).reason == "FORBIDDEN"

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"shipping_line": {"price_cents": -500}}, "shipping_line.price_cents"),
            ({"shipping_line": {"code": "van"}}, "shipping_line.price_cents"),
            ({"tip_cents": -1}, "tip_cents"),
            ({"payment_method": 0}, "payment_method"),
            ({"shipping_address": address(state="oklahoma")}, "shipping_address.state"),
        ],
    )
    def test_refuses_a_request_that_would_pay_the_buyer(
        self, market: Market, fields: dict[str, Any], field: str
    ) -> None:
        refused = refuse(market, market.quote().id, **fields)

        assert [item.field for item in refused.violations] == [field]

    def test_leaves_nothing_behind(self, market: Market) -> None:
        quote = market.quote((market.product(stock=0), 1))
        market.catalog.calls.clear()

        refuse(market, quote.id)

        attempts = market.mesh.rows(
            "commerce", "SELECT 1 FROM checkout_attempts WHERE cart_id = CAST(:id AS uuid)", id=quote.id
        )
        keys = market.mesh.rows(
            "commerce",
            "SELECT 1 FROM idempotency_keys WHERE method LIKE '%Checkout' AND response IS NULL AND principal LIKE :p",
            p=f"%{market.buyer}",
        )
        assert (attempts, keys, market.catalog.calls) == ([], [], [])


class TestGetConfirmation:
    def test_reads_by_cart_and_by_group_what_is_true_now(self, market: Market) -> None:
        quote = market.quote()
        answer = market.checkout(quote.id, tip_cents=7)
        market.decide(answer.vendor_orders[0].order_id, "accept")

        by_cart, by_group = (
            market.mesh.read(
                market.carts.GetConfirmation, cart_service_pb2.GetConfirmationRequest(id=name), token=market.buyer_token
            )
            for name in (quote.id, answer.checkout_group_id)
        )

        assert by_cart == by_group
        assert status_name(by_cart.vendor_orders[0]) == "accepted"
        assert (by_cart.tip_cents, by_cart.shipping_address) == (7, answer.shipping_address)

    def test_is_the_buyers_own(self, market: Market) -> None:
        answer = market.checkout()
        refusals = set()

        for name in (answer.checkout_group_id, answer.cart_id, str(uuid.uuid4()), market.quote().id):
            with pytest.raises(Refused) as refused:
                market.mesh.read(
                    market.carts.GetConfirmation,
                    cart_service_pb2.GetConfirmationRequest(id=name),
                    token=market.vendor_token,
                )
            refusals.add(refused.value.status.SerializeToString(deterministic=True))

        assert len(refusals) == 1
        assert refused.value.code == "NOT_FOUND"
