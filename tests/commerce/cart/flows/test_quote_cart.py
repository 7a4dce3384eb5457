"""QuoteCart and GetCart through the whole chain."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import text

from marketmesh.commerce.v1 import cart_pb2, cart_service_pb2
from services.commerce.errors import BuyerNotVerified
from services.commerce.store_gates.usecases.check_buyer import check_buyer
from tests.commerce.fake_catalog import Away
from tests.commerce.market import Market
from tests.support.identity import address
from tests.support.mesh_harness import Refused, as_dict

GET = cart_service_pb2.GetCartRequest()


def words(market: Market, *wanted: tuple[str, int], **options: Any) -> dict[str, Any]:
    return as_dict(market.quote(*wanted, **options))


class TestQuoteCart:
    def test_prices_the_cart_from_the_catalog_alone(self, market: Market) -> None:
        other = market.new_vendor(name="Other")
        flower = market.product(price_cents=2000, title="Flower", tiers=[(10, "7.5")])
        vape = market.product(other, price_cents=333)
        market.catalog.promos[other, "MINUS5"] = 500

        quote = words(market, (flower, 10), (vape, 3), promos=[(other, "MINUS5")], tokens=["tok"])

        assert (quote["subtotal_cents"], quote["discounts_cents"], quote["total_cents"]) == ("20999", "2000", "18999")
        assert quote["status"] == "active"
        assert quote["attribution_tokens"] == ["tok"]
        assert [item["line_total_cents"] for item in quote["items"]] == ["18500", "999"]
        assert quote["items"][0]["applied_volume_discount"] == {"min_qty": 10, "discount_percent": "7.5"}
        assert [group["total_cents"] for group in quote["vendor_groups"]] == ["18500", "499"]
        assert [group["promo"] for group in quote["vendor_groups"]] == ["", "MINUS5"]

    def test_is_valid_for_fifteen_minutes(self, market: Market) -> None:
        quote = market.quote()

        assert quote.valid_until.ToDatetime() == (market.mesh.clock.now() + timedelta(minutes=15)).replace(tzinfo=None)

    def test_is_read_back_as_it_was_answered(self, market: Market) -> None:
        flower = market.product(price_cents=2000, tiers=[(2, "50")])
        gone = market.product(stock=0)
        quote = market.quote((flower, 3), (gone, 1), tokens=["a", "a", "b"])

        read = market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token)

        assert read == quote

    def test_asks_catalog_once_and_touches_no_stock(self, market: Market) -> None:
        products = [market.product(market.new_vendor()) for _ in range(5)]
        market.catalog.calls.clear()
        stock = dict(market.catalog.stock)

        market.quote(*((product, 2) for product in products))

        assert market.catalog.calls == ["GetQuoteFacts"]
        assert market.catalog.stock == stock

    def test_replaces_items_and_groups_and_keeps_the_cart(self, market: Market) -> None:
        first = market.quote((market.product(), 1))
        other = market.product(market.new_vendor())
        market.mesh.clock.advance(timedelta(minutes=1))

        second = market.quote((other, 1))

        assert (second.id, second.created_at) == (first.id, first.created_at)
        assert [item.product_id for item in second.items] == [other]
        assert len(second.vendor_groups) == 1
        rows = market.mesh.rows("commerce", "SELECT 1 FROM cart_items WHERE cart_id = CAST(:id AS uuid)", id=first.id)
        assert len(rows) == 1

    def test_warns_when_a_price_changed_since_the_last_quote(self, market: Market) -> None:
        product = market.product(price_cents=1000)
        market.quote((product, 1))
        market.catalog.products[product].price_cents = 900

        changed, settled = market.quote((product, 1)), market.quote((product, 1))

        assert list(changed.items[0].warnings) == [cart_pb2.ItemWarning.price_changed]
        assert list(settled.items[0].warnings) == []

    def test_takes_the_alias_and_drops_what_is_doubled(self, market: Market) -> None:
        request = market.quote_request((market.product(), 1), tokens=["a", "b"])
        request.ad_tokens.extend(["b", "c"])

        assert list(market.send_quote(request).attribution_tokens) == ["a", "b", "c"]

    def test_trims_what_is_too_much_and_drops_what_is_too_long(self, market: Market) -> None:
        request = market.quote_request(
            (market.product(), 1), tokens=["x" * 2049, "", *(f"a{number}" for number in range(70))]
        )
        request.ad_tokens.extend(f"b{number}" for number in range(51))

        quote = market.send_quote(request)

        assert list(quote.attribution_tokens) == [f"a{number}" for number in range(50)]

    def test_replays_the_same_bytes(self, market: Market) -> None:
        request, key, token = market.quote_request((market.product(), 1)), uuid.uuid4().hex, market.buyer_token
        first, _ = market.mesh.call(market.carts.QuoteCart, request, token=token, key=key)

        second, headers = market.mesh.call(market.carts.QuoteCart, request, token=token, key=key)

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert headers["x-idempotent-replay"] == "true"

    @pytest.mark.parametrize("bought", [False, True])
    def test_that_was_overtaken_changes_nothing_any_more(self, market: Market, bought: bool) -> None:
        request, key, token = market.quote_request((market.product(), 1)), uuid.uuid4().hex, market.buyer_token
        newer, finished = (market.product(), 2), []

        def overtake(name: str) -> None:
            # The run that asks here is so slow that its lease ends; the buyer has gone on when it wakes up.
            market.catalog.before = None
            market.mesh.clock.advance(timedelta(seconds=21))
            finished.append(market.mesh.call(market.carts.QuoteCart, request, token=token, key=key)[0])
            quote = market.quote(newer)
            if bought:
                market.checkout(quote.id)

        market.catalog.before = overtake

        late, headers = market.mesh.call(market.carts.QuoteCart, request, token=token, key=key)

        assert [late] == finished
        assert headers["x-idempotent-replay"] == "true"
        rows = market.mesh.rows(
            "commerce",
            "SELECT i.product_id, i.quantity, c.status FROM cart_records c JOIN cart_items i ON i.cart_id = c.id"
            " WHERE c.buyer_store_id = CAST(:b AS uuid)",
            b=market.buyer,
        )
        assert [(str(row.product_id), row.quantity) for row in rows] == [newer]
        assert rows[0].status == ("converted" if bought else "active")

    def test_that_was_refused_meanwhile_changes_nothing_any_more(self, market: Market) -> None:
        request, key, token = market.quote_request((market.product(), 1)), uuid.uuid4().hex, market.buyer_token

        def refuse(name: str) -> None:
            market.catalog.before = None
            with market.mesh.transaction("commerce") as tx:
                tx.execute(text("DELETE FROM idempotency_keys WHERE key = :key"), {"key": key})

        market.catalog.before = refuse

        with pytest.raises(Refused) as refused:
            market.mesh.call(market.carts.QuoteCart, request, token=token, key=key)

        assert refused.value.reason == "IDEMPOTENCY_IN_PROGRESS"
        sql = "SELECT 1 FROM cart_records WHERE buyer_store_id = CAST(:b AS uuid)"
        assert market.mesh.rows("commerce", sql, b=market.buyer) == []

    def test_makes_one_cart_of_parallel_first_quotes(self, market: Market) -> None:
        requests = [market.quote_request((market.product(), 1)) for _ in range(8)]

        with ThreadPoolExecutor(8) as pool:
            quotes = list(pool.map(market.send_quote, requests))

        assert len({quote.id for quote in quotes}) == 1
        rows = market.mesh.rows(
            "commerce", "SELECT status FROM cart_records WHERE buyer_store_id = CAST(:b AS uuid)", b=market.buyer
        )
        assert [row.status for row in rows] == ["active"]
        read = market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token)
        assert len(read.items) == 1

    def test_lets_a_vendor_buy(self, market: Market) -> None:
        product = market.product(market.new_vendor())
        request = market.quote_request((product, 1), buyer=market.vendor)

        assert market.send_quote(request, token=market.vendor_token).total_cents == 1000

    def test_opens_a_new_cart_after_a_conversion(self, market: Market) -> None:
        first = market.quote()
        market.checkout(first.id)

        second = market.quote()

        assert second.id != first.id
        rows = market.mesh.rows("commerce", "SELECT status FROM cart_records WHERE id = CAST(:id AS uuid)", id=first.id)
        assert [row.status for row in rows] == ["converted"]


class TestHardErrors:
    def test_refuses_to_quote_for_another_store(self, market: Market) -> None:
        request = market.quote_request((market.product(), 1), buyer=market.vendor)

        with pytest.raises(Refused) as refused:
            market.send_quote(request)

        assert (refused.value.code, refused.value.reason) == ("PERMISSION_DENIED", "FOREIGN_BUYER_STORE")

    @pytest.mark.parametrize("kyc", ["pending_verification", "rejected", "expired", "suspended"])
    def test_shows_prices_to_a_buyer_who_is_not_verified_but_sells_nothing(self, market: Market, kyc: str) -> None:
        market.gate(market.buyer, type="buyer", kyc_status=kyc, version=2)

        quote = market.quote((market.product(price_cents=700), 2))

        assert (quote.total_cents, cart_pb2.CartItemStatus.Value.Name(quote.items[0].status)) == (1400, "ok")
        with pytest.raises(Refused) as refused:
            market.checkout(quote.id)
        assert (refused.value.code, refused.value.reason) == ("PERMISSION_DENIED", "BUYER_NOT_VERIFIED")
        assert refused.value.metadata["kyc_status"] == kyc

    def test_shows_none_where_the_market_says_so(self, market: Market) -> None:
        market.gate(market.buyer, type="buyer", kyc_status="expired", version=2)

        with market.mesh.transaction("commerce") as tx:
            check_buyer(tx, buyer_store_id=uuid.UUID(market.buyer), unverified=True)
            with pytest.raises(BuyerNotVerified):
                check_buyer(tx, buyer_store_id=uuid.UUID(market.buyer), unverified=False)

    def test_counts_a_buyer_nobody_told_about_as_not_verified(self, market: Market) -> None:
        stranger = str(uuid.uuid4())
        request = market.quote_request((market.product(), 1), buyer=stranger)

        with pytest.raises(Refused) as refused:
            market.send_quote(request, token=market.mesh.store_token(stranger, store_type="buyer", kyc="verified"))

        assert refused.value.reason == "BUYER_NOT_VERIFIED"

    def test_ignores_an_older_gate_that_comes_late(self, market: Market) -> None:
        market.gate(market.buyer, type="buyer", kyc_status="verified", version=5)
        market.gate(market.buyer, type="buyer", kyc_status="expired", version=4)

        assert market.quote().total_cents == 1000

    @pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
    def test_refuses_impossible_quantities(self, market: Market, quantity: int) -> None:
        with pytest.raises(Refused) as refused:
            market.quote((market.product(), quantity))

        assert [item.field for item in refused.value.violations] == ["items[0].quantity"]

    def test_names_the_item_that_costs_more_than_can_be_counted(self, market: Market) -> None:
        cheap, dear = market.product(), market.product(price_cents=2**62)

        with pytest.raises(Refused) as refused:
            market.quote((cheap, 1), (dear, 3))

        assert [item.field for item in refused.value.violations] == ["items[1].quantity"]

    def test_leaves_the_old_quote_when_catalog_is_away(self, market: Market) -> None:
        before = market.quote()
        request = market.quote_request((market.product(), 1))

        def away(_: str) -> None:
            raise Away

        market.catalog.before = away
        with pytest.raises(Refused) as refused:
            market.send_quote(request)

        assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token) == before

    def test_leaves_the_old_quote_when_writing_fails_half_way(
        self, market: Market, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from services.commerce.cart.data import carts

        before = market.quote()

        def broken(_: object) -> str:
            raise RuntimeError("between header and items")

        monkeypatch.setattr(carts, "to_json", broken)
        with pytest.raises(Refused) as refused:
            market.quote((market.product(), 1))
        monkeypatch.undo()

        assert refused.value.code == "INTERNAL"
        assert market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token) == before

    def test_refuses_a_tenant_without_a_store_kind(self, market: Market) -> None:
        with pytest.raises(Refused) as refused:
            market.send_quote(market.quote_request((market.product(), 1)), token=market.mesh.agent_token())

        assert refused.value.code == "UNAUTHENTICATED"


class TestCounting:
    def test_counts_items_and_warnings_by_kind_and_measures(self, market: Market) -> None:
        small, gone = market.product(moq=5), market.product(stock=0)
        names = (
            ("mesh_quote_items_total", {"status": "ok"}),
            ("mesh_quote_items_total", {"status": "not_available"}),
            ("mesh_quote_warnings_total", {"type": "clamped_to_moq"}),
            ("mesh_quote_warnings_total", {"type": "not_available"}),
            ("mesh_quote_warnings_total", {"type": "invalid_promo"}),
            ("mesh_quote_duration_seconds_count", {}),
        )
        before = [REGISTRY.get_sample_value(*name) or 0 for name in names]

        market.quote((small, 1), (gone, 1), promos=[(market.vendor, "NOPE")])

        after = [REGISTRY.get_sample_value(*name) or 0 for name in names]
        assert [new - old for new, old in zip(after, before, strict=True)] == [1] * 6

    def test_counts_a_repetition_once(self, market: Market) -> None:
        request, token, key = market.quote_request((market.product(), 1)), market.buyer_token, uuid.uuid4().hex
        market.mesh.call(market.carts.QuoteCart, request, token=token, key=key)
        before = REGISTRY.get_sample_value("mesh_quote_items_total", {"status": "ok"})

        market.mesh.call(market.carts.QuoteCart, request, token=token, key=key)

        assert REGISTRY.get_sample_value("mesh_quote_items_total", {"status": "ok"}) == before


class TestAnyQuote:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        lines=st.lists(
            st.tuples(
                st.integers(0, 10**9), st.integers(1, 20), st.integers(0, 50), st.integers(0, 200), st.integers(1, 90)
            ),
            min_size=1,
            max_size=6,
        ),
        tokens=st.lists(
            st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=9), max_size=4
        ),
        promo_cents=st.integers(0, 10**10),
    )
    def test_reads_from_the_tables_what_the_rules_said(
        self, market: Market, lines: list[tuple[int, ...]], tokens: list[str], promo_cents: int
    ) -> None:
        market.catalog.promos[market.vendor, "ANY"] = promo_cents
        wanted = [
            (
                market.product(
                    price_cents=cents, moq=moq, max_qty=moq + more if more else 0, stock=stock, tiers=[(3, "33.33")]
                ),
                quantity,
            )
            for cents, moq, more, stock, quantity in lines
        ]

        quote = market.quote(*wanted, tokens=tokens, promos=[(market.vendor, "ANY")])

        assert market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token) == quote


# The row `POST /cart` of REQUIREMENTS A.2.4, word for word.
A_2_4 = (
    "id, buyer_store_id, checkout_group_id?, status, shipping/billing address?, currency, valid_until, "
    "subtotal/discounts/total cents, tip, ad tokens, "
    "vendor_groups[{vendor_store_id,status,warnings,subtotal,promo,line_discounts,promo_discount,discounts,total}], "
    "items[{id, product_id, vendor_store_id, vendor_store_name, unit, quantity, moq, max_qty?, title, thumbnail?, "
    "unit_price, effective_unit_price, line_discounts, line_total, applied_volume_discount?, line_subtotal, status, "
    "warnings[]}]"
)
# What the row calls otherwise than the contract does.
CALLED = {
    "shipping/billing address": {"shipping_address", "billing_address"},
    "subtotal/discounts/total cents": {"subtotal_cents", "discounts_cents", "total_cents"},
    "tip": {"tip_cents"},
    "ad tokens": {"attribution_tokens"},
    "thumbnail": {"thumbnail_media_id"},
}
MONEY = re.compile(r"(subtotal|total|discounts?|unit_price)$")


def asked_for(row: str) -> set[str]:
    """Return the contract's names of the fields that a part of the row lists."""
    names = [name.strip().removesuffix("[]").removesuffix("?") for name in row.split(",") if name.strip()]
    return set().union(
        *(CALLED.get(name, {f"{name}_cents"} if MONEY.search(name) and name != "applied_volume_discount" else {name})
          for name in names)
    )  # fmt: skip


class TestMessage:
    def test_has_the_fields_of_the_requirement(self) -> None:
        header, groups, items = re.fullmatch(r"(.*), vendor_groups\[\{(.*?)\}\], items\[\{(.*)\}\]", A_2_4).groups()  # type: ignore[union-attr]

        for row, message in (
            (header, cart_pb2.CartQuote),
            (groups, cart_pb2.CartVendorGroup),
            (items, cart_pb2.CartItem),
        ):
            assert asked_for(row) - {field.name for field in message.DESCRIPTOR.fields} == set()

    def test_keeps_addresses_and_tip_with_the_cart(self, market: Market) -> None:
        request = market.quote_request((market.product(), 1))
        request.shipping_address.CopyFrom(address(state="OK"))
        request.billing_address.CopyFrom(address(state="TX"))
        request.tip_cents = 0

        first = market.send_quote(request)
        again = market.quote()
        read = market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token)

        assert (first.shipping_address.state, first.billing_address.state) == ("OK", "TX")
        assert first.HasField("tip_cents")
        assert again.id == first.id
        # What is not said again stays.
        for cart in (again, read):
            assert (cart.shipping_address, cart.billing_address) == (first.shipping_address, first.billing_address)
            assert cart.HasField("tip_cents")

    def test_has_no_address_and_no_tip_that_nobody_gave(self, market: Market) -> None:
        quote = market.quote()

        assert [quote.HasField(name) for name in ("shipping_address", "billing_address", "tip_cents")] == [False] * 3

    def test_names_the_picture_of_each_item(self, market: Market) -> None:
        picture = str(uuid.uuid4())
        quote = market.quote((market.product(thumbnail_media_id=picture), 1), (market.product(), 1))

        assert [item.thumbnail_media_id for item in quote.items] == [picture, ""]


def clear(market: Market) -> None:
    market.mesh.write(market.carts.ClearCart, cart_service_pb2.ClearCartRequest(), token=market.buyer_token)


class TestClearCart:
    def test_leaves_no_cart_however_often(self, market: Market) -> None:
        old = market.quote()

        for _ in range(2):
            clear(market)

        with pytest.raises(Refused) as refused:
            market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token)
        assert refused.value.code == "NOT_FOUND"
        with pytest.raises(Refused) as refused:
            market.checkout(old.id)
        assert refused.value.reason == "CART_NOT_ACTIVE"
        assert market.quote().id != old.id

    def test_leaves_a_converted_cart_as_it_is(self, market: Market) -> None:
        quote = market.quote()
        answer = market.checkout(quote.id)

        clear(market)

        assert market.checkout(quote.id) == answer
        assert market.prove() == []

    def test_in_the_middle_of_a_checkout_makes_it_give_its_stock_back(self, market: Market) -> None:
        quote = market.quote()

        def clear_once(name: str) -> None:
            if name == "Reserve":
                market.catalog.after = None
                clear(market)

        market.catalog.after = clear_once
        with pytest.raises(Refused) as refused:
            market.checkout(quote.id)

        assert refused.value.reason == "CART_NOT_ACTIVE"
        assert market.catalog.released[-1] not in market.catalog.reserved
        assert market.prove() == []


class TestGetCart:
    def test_finds_nothing_without_a_quote(self, market: Market) -> None:
        with pytest.raises(Refused) as refused:
            market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token)

        assert refused.value.code == "NOT_FOUND"

    def test_never_shows_another_stores_cart(self, market: Market) -> None:
        market.quote()

        with pytest.raises(Refused) as refused:
            market.mesh.read(market.carts.GetCart, GET, token=market.vendor_token)

        assert refused.value.code == "NOT_FOUND"

    def test_finds_nothing_after_the_conversion(self, market: Market) -> None:
        market.checkout(market.quote().id)

        with pytest.raises(Refused) as refused:
            market.mesh.read(market.carts.GetCart, GET, token=market.buyer_token)

        assert refused.value.code == "NOT_FOUND"
