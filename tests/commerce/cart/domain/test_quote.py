"""Prices of carts: each rule of A.6.2, and sums that hold for any cart."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshkit.errors import ValidationError
from services.commerce.cart.domain.quote import (
    Intent,
    ProductFacts,
    Promo,
    PromoCode,
    PromoWarning,
    Quote,
    QuoteFacts,
    merge_intents,
    price_cart,
    vendor_warning,
)
from services.commerce.store_gates.domain.gate import Gate

BUYER, VENDOR, OTHER = (uuid.UUID(int=number) for number in (1, 2, 3))
PRODUCT = uuid.UUID(int=100)


def gate(store_id: uuid.UUID = VENDOR, **fields: Any) -> Gate:
    values = {"type": "vendor", "name": "V", "state": "OK", "kyc_status": "verified", "subscription_active": True}
    return Gate(store_id=store_id, **{**values, **fields})


def product(product_id: uuid.UUID = PRODUCT, **fields: Any) -> ProductFacts:
    values = {
        "vendor_store_id": VENDOR,
        "sku": "s",
        "title": "t",
        "category": "flower",
        "classification": "",
        "strain": "",
        "unit": "gram",
        "moq": 1,
        "max_qty": 0,
        "price_cents": 1000,
        "currency": "USD",
        "is_active": True,
        "available_qty": 100,
        "tiers": (),
    }
    return ProductFacts(product_id=product_id, **{**values, **fields})


def price(
    *wanted: tuple[uuid.UUID, int],
    products: tuple[ProductFacts, ...] = (),
    gates: tuple[Gate, ...] = (),
    vendor: uuid.UUID = VENDOR,
    promo: str = "",
    codes: tuple[PromoCode, ...] = (),
    promos: dict[tuple[uuid.UUID, str], int] | None = None,
    previous: dict[uuid.UUID, int] | None = None,
) -> Quote:
    buyer = gate(BUYER, type="buyer", subscription_active=False)
    facts = QuoteFacts(
        buyer=buyer,
        gates={item.store_id: item for item in (buyer, *(gates or (gate(),)))},
        products={item.product_id: item for item in products},
        promos={PromoCode(*asked): Promo(asked[1].upper(), cents) for asked, cents in (promos or {}).items()},
        previous_prices=previous or {},
    )
    intents = [Intent(product_id, vendor, quantity, index) for index, (product_id, quantity) in enumerate(wanted)]
    return price_cart(merge_intents(intents), codes or ([PromoCode(vendor, promo)] if promo else []), facts)


class TestQuantities:
    @pytest.mark.parametrize(
        ("quantity", "moq", "max_qty", "kept", "warnings"),
        [
            (5, 1, 0, 5, []),
            (2, 5, 0, 5, ["clamped_to_moq"]),
            (50, 1, 20, 20, ["clamped_to_max"]),
            (20, 1, 20, 20, []),
            (99, 1, 0, 99, []),
        ],
    )
    def test_clamps_to_moq_then_to_the_maximum(
        self, quantity: int, moq: int, max_qty: int, kept: int, warnings: list[str]
    ) -> None:
        quote = price((PRODUCT, quantity), products=(product(moq=moq, max_qty=max_qty),))

        assert (quote.items[0].quantity, quote.items[0].warnings) == (kept, warnings)
        assert quote.total_cents == kept * 1000

    def test_adds_up_what_is_asked_twice(self) -> None:
        quote = price((PRODUCT, 2), (PRODUCT, 3), products=(product(),))

        assert [(item.quantity, item.position) for item in quote.items] == [(5, 0)]


class TestUnusableItems:
    @pytest.mark.parametrize(
        ("fields", "status", "warnings"),
        [
            ({"is_active": False}, "not_available", ["not_available"]),
            ({"available_qty": 1}, "not_available", ["not_available"]),
            ({"currency": "BTC"}, "not_available", ["not_available"]),
            ({"vendor_store_id": OTHER}, "invalid", ["vendor_mismatch"]),
        ],
    )
    def test_are_marked_and_cost_nothing(self, fields: dict[str, Any], status: str, warnings: list[str]) -> None:
        quote = price((PRODUCT, 2), products=(product(**fields),), gates=(gate(), gate(OTHER)))

        assert (quote.items[0].status, quote.items[0].warnings) == (status, warnings)
        assert (quote.subtotal_cents, quote.total_cents) == (0, 0)
        assert quote.groups[0].status == "ok"

    def test_shows_a_hidden_vendors_product_like_a_missing_one(self) -> None:
        hidden = price(
            (PRODUCT, 2), products=(product(vendor_store_id=OTHER),), gates=(gate(), gate(OTHER, state="TX"))
        )
        missing = price((PRODUCT, 2))

        assert hidden == missing
        assert missing.items[0].status == "invalid"

    @pytest.mark.parametrize("known", [True, False])
    def test_says_nothing_about_products_of_a_vendor_who_may_not_be_seen(self, known: bool) -> None:
        products = (product(price_cents=7),) if known else ()

        quote = price((PRODUCT, 2), products=products, gates=(gate(kyc_status="expired"),))

        assert (quote.items[0].status, quote.items[0].warnings) == ("invalid", ["vendor_invalid"])
        assert (quote.items[0].title, quote.items[0].unit_price_cents, quote.items[0].vendor_store_name) == ("", 0, "")


class TestVendorWarning:
    @pytest.mark.parametrize(
        ("fields", "warning"),
        [
            ({}, ""),
            ({"type": "buyer"}, "vendor_invalid"),
            ({"kyc_status": "pending_verification"}, "license_invalid"),
            ({"kyc_status": "expired", "subscription_active": False}, "license_invalid"),
            ({"subscription_active": False}, "vendor_suspended"),
            ({"state": "TX"}, "vendor_invalid"),
        ],
    )
    def test_names_the_first_reason(self, fields: dict[str, Any], warning: str) -> None:
        buyer = gate(BUYER, type="buyer")

        assert vendor_warning(gate(**fields), buyer.state) == warning
        quote = price((PRODUCT, 1), products=(product(),), gates=(gate(**fields),))
        assert quote.groups[0].warnings == ([warning] if warning else [])
        assert quote.groups[0].status == ("invalid" if warning else "ok")
        assert quote.items[0].status == ("invalid" if warning else "ok")

    def test_a_store_nobody_told_about_is_no_vendor(self) -> None:
        assert vendor_warning(None, "OK") == "vendor_invalid"


class TestDiscounts:
    @pytest.mark.parametrize(
        ("quantity", "percent", "unit_discount"), [(9, None, 0), (10, "5", 50), (49, "5", 50), (50, "7.5", 75)]
    )
    def test_takes_the_highest_tier_reached(self, quantity: int, percent: str | None, unit_discount: int) -> None:
        quote = price((PRODUCT, quantity), products=(product(tiers=((50, "7.5"), (10, "5"))),))

        item = quote.items[0]
        assert item.applied_percent == percent
        assert item.effective_unit_price_cents == 1000 - unit_discount
        assert item.line_discounts_cents == unit_discount * quantity
        assert item.line_total_cents == (1000 - unit_discount) * quantity

    @pytest.mark.parametrize(
        ("price_cents", "quantity", "percent", "discount"),
        [
            # 5 % of 150 is 7.5; per unit it would be 3 × 3.
            (50, 3, "5", 8),
            # 10 % of 5 000; per unit it would be 1 000 × 1, twice what is advertised.
            (5, 1000, "10", 500),
            (1, 1, "50", 1),
            (1, 3, "33.33", 1),
            (999, 7, "100", 6993),
        ],
    )
    def test_rounds_half_up_once_per_line(self, price_cents: int, quantity: int, percent: str, discount: int) -> None:
        found = product(price_cents=price_cents, available_qty=quantity, tiers=((1, percent),))

        item = price((PRODUCT, quantity), products=(found,)).items[0]

        assert item.line_discounts_cents == discount
        assert item.line_total_cents == price_cents * quantity - discount

    def test_applies_the_tier_of_the_clamped_quantity(self) -> None:
        quote = price((PRODUCT, 50), products=(product(max_qty=9, tiers=((10, "50"),)),))

        assert quote.items[0].applied_percent is None


class TestPromos:
    @pytest.mark.parametrize(("amount", "discount"), [(300, 300), (1000, 1000), (5000, 1000)])
    def test_takes_fixed_cents_and_never_more_than_the_goods_cost(self, amount: int, discount: int) -> None:
        quote = price((PRODUCT, 1), products=(product(),), promo="TEN", promos={(VENDOR, "TEN"): amount})

        group = quote.groups[0]
        assert (group.promo, group.promo_discount_cents, group.total_cents) == ("TEN", discount, 1000 - discount)
        assert quote.discounts_cents == discount

    def test_warns_softly_about_an_unknown_code(self) -> None:
        quote = price((PRODUCT, 1), products=(product(),), promo="NOPE", promos={(OTHER, "NOPE"): 500})

        assert (quote.groups[0].status, quote.groups[0].warnings) == ("ok", ["invalid_promo"])
        assert (quote.groups[0].promo, quote.total_cents) == ("", 1000)

    @pytest.mark.parametrize(
        ("codes", "reasons"),
        [
            ([(VENDOR, "NOPE")], [("NOPE", "unknown_code")]),
            ([(VENDOR, "TEN"), (VENDOR, "TWO")], [("TWO", "one_code_per_vendor")]),
            ([(VENDOR, "NOPE"), (VENDOR, "TEN")], [("NOPE", "unknown_code")]),
            ([(OTHER, "TEN")], [("TEN", "vendor_not_in_cart")]),
            ([(VENDOR, "TEN")], []),
        ],
    )
    def test_names_every_code_that_changes_nothing(
        self, codes: list[tuple[uuid.UUID, str]], reasons: list[tuple[str, str]]
    ) -> None:
        promos = {(VENDOR, "TEN"): 100, (VENDOR, "TWO"): 200, (OTHER, "TEN"): 300}

        quote = price(
            (PRODUCT, 1), products=(product(),), codes=tuple(PromoCode(*code) for code in codes), promos=promos
        )

        assert [(warning.code, warning.reason) for warning in quote.promo_warnings] == reasons
        assert quote.discounts_cents == (100 if (VENDOR, "TEN") in codes else 0)

    def test_names_a_code_with_nothing_to_take_from(self) -> None:
        gone = price((PRODUCT, 1), products=(product(is_active=False),), promo="TEN", promos={(VENDOR, "TEN"): 100})
        free = price((PRODUCT, 1), products=(product(price_cents=0),), promo="TEN", promos={(VENDOR, "TEN"): 100})

        for quote in (gone, free):
            assert quote.promo_warnings == [PromoWarning(VENDOR, "TEN", "nothing_to_discount")]
            assert quote.groups[0].promo == ""


class TestVersion:
    def test_is_the_same_for_what_is_the_same(self) -> None:
        first, again = (price((PRODUCT, 2), products=(product(),), previous={PRODUCT: cents}) for cents in (900, 1000))

        assert first.items[0].warnings != again.items[0].warnings
        assert first.version == again.version

    @pytest.mark.parametrize(
        "other",
        [
            {"wanted": (PRODUCT, 3)},
            {"found": product(price_cents=999)},
            {"found": product(price_cents=2000, tiers=((1, "50"),))},
            {"found": product(is_active=False)},
            {"promo": "TEN"},
        ],
        ids=["quantity", "price", "price and discount", "nothing left", "promo"],
    )
    def test_differs_where_money_or_goods_do(self, other: dict[str, Any]) -> None:
        promos = {(VENDOR, "TEN"): 100}
        first = price((PRODUCT, 2), products=(product(),), promos=promos)

        second = price(
            other.get("wanted", (PRODUCT, 2)),
            products=(other.get("found", product()),),
            promo=other.get("promo", ""),
            promos=promos,
        )

        assert first.version != second.version


class TestPriceChanged:
    @pytest.mark.parametrize(
        ("previous", "warnings"), [({}, []), ({PRODUCT: 1000}, []), ({PRODUCT: 900}, ["price_changed"])]
    )
    def test_compares_with_the_quote_before(self, previous: dict[uuid.UUID, int], warnings: list[str]) -> None:
        assert price((PRODUCT, 1), products=(product(),), previous=previous).items[0].warnings == warnings


class TestOverflow:
    def test_names_the_item(self) -> None:
        cheap = product(uuid.UUID(int=7))
        dear = product(price_cents=10**15 // 2)

        with pytest.raises(ValidationError) as refused:
            price((cheap.product_id, 1), (PRODUCT, 3), products=(cheap, dear))

        assert [violation.field for violation in refused.value.violations] == ["items[1].quantity"]

    def test_counts_the_cart_as_a_whole(self) -> None:
        dear = [product(uuid.UUID(int=200 + index), price_cents=10**15 // 2) for index in range(3)]

        with pytest.raises(ValidationError) as refused:
            price(*((item.product_id, 1) for item in dear), products=tuple(dear))

        assert [violation.field for violation in refused.value.violations] == ["items"]
        assert price(*((item.product_id, 1) for item in dear[:2]), products=tuple(dear)).total_cents == 10**15


PRODUCTS = st.builds(
    lambda number, price_cents, moq, extra, stock, active, tiers: product(
        uuid.UUID(int=1000 + number),
        vendor_store_id=uuid.UUID(int=2 + number % 3),
        price_cents=price_cents,
        moq=moq,
        max_qty=moq + extra if extra else 0,
        available_qty=stock,
        is_active=active,
        tiers=tuple(tiers.items()),
    ),
    number=st.integers(0, 30),
    price_cents=st.integers(0, 10**9),
    moq=st.integers(1, 20),
    extra=st.integers(0, 50),
    stock=st.integers(0, 200),
    active=st.booleans(),
    tiers=st.dictionaries(st.integers(1, 60), st.sampled_from(["0.01", "5", "7.5", "33.33", "100"]), max_size=3),
)


class TestAnyCart:
    @settings(max_examples=150, deadline=None)
    @given(
        products=st.lists(PRODUCTS, max_size=12, unique_by=lambda item: item.product_id),
        quantities=st.lists(st.integers(1, 100), min_size=12, max_size=12),
        promo_cents=st.integers(0, 10**10),
        subscribed=st.booleans(),
    )
    def test_adds_up(
        self, products: list[ProductFacts], quantities: list[int], promo_cents: int, subscribed: bool
    ) -> None:
        vendors = [uuid.UUID(int=number) for number in (2, 3, 4)]
        gates = {vendor: gate(vendor, subscription_active=subscribed or vendor != vendors[0]) for vendor in vendors}
        facts = QuoteFacts(
            buyer=gate(BUYER, type="buyer"),
            gates=gates,
            products={item.product_id: item for item in products},
            promos={PromoCode(vendor, "p"): Promo("P", promo_cents) for vendor in vendors},
            previous_prices={},
        )
        intents = [
            Intent(item.product_id, item.vendor_store_id, quantity, index)
            for index, (item, quantity) in enumerate(zip(products, quantities, strict=False))
        ]

        quote = price_cart(intents, [PromoCode(vendor, "p") for vendor in vendors], facts)

        ok = [item for item in quote.items if item.status == "ok"]
        assert quote.subtotal_cents == sum(item.line_subtotal_cents for item in ok)
        assert (
            quote.total_cents
            == quote.subtotal_cents - quote.discounts_cents
            == sum(g.total_cents for g in quote.groups)
        )
        for item in ok:
            assert item.line_total_cents == item.line_subtotal_cents - item.line_discounts_cents >= 0
            assert item.quantity >= item.moq
            assert item.max_qty == 0 or item.quantity <= item.max_qty
        for group in quote.groups:
            mine = [item for item in ok if item.vendor_store_id == group.vendor_store_id]
            goods = sum(item.line_total_cents for item in mine)
            assert group.promo_discount_cents == min(group.promo_cents, goods)
            assert group.total_cents == goods - group.promo_discount_cents >= 0
            assert group.status == "ok" or not mine
