"""ProductService through its whole interceptor chain."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.catalog.events.v1 import catalog_events_pb2 as events
from marketmesh.catalog.v1 import product_pb2
from marketmesh.catalog.v1 import product_service_pb2 as messages
from tests.catalog.shop import Checkout, Shop
from tests.support.mesh_harness import Refused, as_dict


class TestCreateProduct:
    def test_creates_product_inventory_and_tiers_as_one(self, shop: Shop) -> None:
        request = shop.request(
            subtitle="Sun grown",
            strain="Haze",
            classification="hybrid",
            body_html="<p>x</p>",
            thc_percent="18.50",
            cbd_percent="0.1",
            moq=2,
            max_qty=50,
            compare_at_price_cents=1200,
            inventory=product_pb2.Inventory(available_qty=40, low_stock_threshold=5),
            volume_discounts=[
                {"min_qty": 20, "discount_percent": "12.25"},
                {"min_qty": 10, "discount_percent": "7.50"},
            ],
        )

        product = shop.mesh.write(shop.products.CreateProduct, request, token=shop.vendor)

        summary = as_dict(product)["summary"]
        assert {key: summary[key] for key in ("sku", "title", "category", "classification", "unit")} == {
            "sku": request.sku, "title": "Blue Dream", "category": "flower", "classification": "hybrid", "unit": "gram",
        }  # fmt: skip
        assert (summary["thc_percent"], summary["cbd_percent"], summary["currency"]) == ("18.5", "0.1", "USD")
        assert (summary["vendor"]["company_name"], summary["vendor"]["state"]) == ("Green Co", shop.state)
        assert (summary["is_active"], summary["is_featured"], summary["in_stock"]) == (True, False, True)
        assert as_dict(product)["usage"] == ["sleep"]
        assert [(tier.min_qty, tier.discount_percent) for tier in product.volume_discounts] == [
            (10, "7.5"),
            (20, "12.25"),
        ]
        assert shop.inventory(uuid.UUID(product.summary.id)) == (40, 0, 0, 40)

    def test_announces_and_audits_it(self, shop: Shop) -> None:
        product = shop.create()

        announced = [
            e for e in shop.mesh.events("catalog", events.ProductCreated) if e.product_id == product.summary.id
        ]
        audited = shop.mesh.rows("catalog", "SELECT * FROM audit_log WHERE target = :id", id=product.summary.id)
        assert [event.sku for event in announced] == [product.summary.sku]
        assert [(row.action, row.after["available_qty"]) for row in audited] == [("product.create", 10)]

    def test_answers_a_repeat_with_the_same_product(self, shop: Shop) -> None:
        request, token = shop.request(), shop.vendor

        first, _ = shop.mesh.call(shop.products.CreateProduct, request, token=token, key="one")
        again, headers = shop.mesh.call(shop.products.CreateProduct, request, token=token, key="one")

        assert first == again
        assert headers["x-idempotent-replay"] == "true"
        assert len(_own(shop)) == 1

    def test_refuses_a_sku_twice_in_a_store_and_not_in_two(self, shop: Shop) -> None:
        shop.create(sku="A-1")

        with pytest.raises(Refused) as refused:
            shop.create(sku="A-1")
        other = Shop(shop.mesh)
        other.create(sku="A-1")

        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "SKU_TAKEN")
        assert refused.value.metadata["field"] == "sku"
        assert len(_own(shop)) == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            (
                {
                    "volume_discounts": [
                        {"min_qty": 5, "discount_percent": "1"},
                        {"min_qty": 5, "discount_percent": "2"},
                    ]
                },
                "volume_discounts",
            ),
            ({"volume_discounts": [{"min_qty": 0, "discount_percent": "1"}]}, "volume_discounts[0].min_qty"),
            (
                {"volume_discounts": [{"min_qty": 1, "discount_percent": "100.01"}]},
                "volume_discounts[0].discount_percent",
            ),
            ({"inventory": product_pb2.Inventory(available_qty=5, reserved_qty=1)}, "inventory.reserved_qty"),
            ({"inventory": product_pb2.Inventory(available_qty=2_000_000_000)}, "inventory.available_qty"),
            ({"moq": 0}, "moq"),
            ({"moq": 5, "max_qty": 4}, "body"),
            ({"feelings": []}, "feelings"),
            ({"category": "unspecified"}, "category"),
            ({"thc_percent": "7.555"}, "thc_percent"),
            ({"price_cents": -1}, "price_cents"),
            ({"price_cents": None}, "price_cents"),
            ({"inventory": product_pb2.Inventory(low_stock_threshold=5)}, "inventory.available_qty"),
            ({"inventory": product_pb2.Inventory()}, "inventory.available_qty"),
        ],
    )
    def test_names_what_is_wrong(self, shop: Shop, change: dict[str, Any], field: str) -> None:
        with pytest.raises(Refused) as refused:
            shop.mesh.write(shop.products.CreateProduct, shop.request(**change), token=shop.vendor)

        assert refused.value.code == "INVALID_ARGUMENT"
        assert refused.value.violations[0].field == field
        assert _own(shop) == []

    @pytest.mark.parametrize(("role", "store_type"), [("viewer", "vendor"), ("owner", "buyer")])
    def test_is_only_for_editors_of_vendors(self, shop: Shop, role: str, store_type: str) -> None:
        token = shop.mesh.store_token(shop.vendor_id, role=role, store_type=store_type)

        with pytest.raises(Refused) as refused:
            shop.create(token=token)

        assert refused.value.code == "PERMISSION_DENIED"
        assert _own(shop) == []


class TestListProducts:
    def test_shows_products_of_the_own_state_newest_first(self, shop: Shop) -> None:
        for title in ("First", "Second"):
            shop.mesh.clock.advance(timedelta(seconds=1))
            shop.create(title=title)
        shop.create(title="Hidden", is_active=False)

        assert shop.listed() == ["Second", "First"]

    @pytest.mark.parametrize(
        "change",
        [{"kyc_status": "expired"}, {"subscription_active": False}, {"state": "ZZ"}, {"type": "buyer"}],
        ids=["kyc", "subscription", "state", "type"],
    )
    def test_hides_vendors_that_may_not_sell_here(self, shop: Shop, change: dict[str, Any]) -> None:
        product = shop.create()
        shop.gate(shop.vendor_id, version=2, **change)

        assert shop.listed() == []
        assert _read_refusal(shop, product.summary.id, shop.buyer).code == "NOT_FOUND"

    @pytest.mark.parametrize("kyc", ["pending_verification", "rejected", "expired", "suspended"])
    def test_shows_prices_to_unverified_buyers(self, shop: Shop, kyc: str) -> None:
        product = shop.create(price_cents=1234)
        unverified = Shop(shop.mesh)
        shop.gate(unverified.buyer_id, type="buyer", kyc_status=kyc)

        assert shop.listed(token=unverified.buyer) == ["Blue Dream"]
        request = messages.GetProductRequest(product_id=product.summary.id)
        seen = shop.mesh.read(shop.products.GetProduct, request, token=unverified.buyer)
        assert (seen.summary.price_cents, seen.summary.vendor.company_name) == (1234, "Green Co")

    def test_shows_unverified_buyers_nothing_where_the_market_says_so(self, shop: Shop) -> None:
        product = shop.create()
        unverified = Shop(shop.mesh)
        shop.gate(unverified.buyer_id, type="buyer", kyc_status="expired")
        servicer = shop.mesh.process("catalog").wiring.servicers[0].implementation

        object.__setattr__(servicer, "unverified", False)
        try:
            assert shop.listed(token=unverified.buyer) == []
            assert _read_refusal(shop, product.summary.id, unverified.buyer).code == "NOT_FOUND"
            assert shop.listed() == ["Blue Dream"]
        finally:
            object.__setattr__(servicer, "unverified", True)

    def test_shows_nothing_to_other_states_and_strangers(self, shop: Shop) -> None:
        product = shop.create()
        elsewhere, stranger = (Shop(shop.mesh) for _ in range(2))
        shop.gate(elsewhere.buyer_id, type="buyer", state=elsewhere.state)

        for other in (elsewhere, stranger):
            assert shop.listed(token=other.buyer) == []
            assert _read_refusal(shop, product.summary.id, other.buyer).code == "NOT_FOUND"

    def test_needs_a_token(self, shop: Shop) -> None:
        with pytest.raises(Refused) as refused:
            shop.mesh.call(shop.products.ListProducts, messages.ListProductsRequest())

        assert refused.value.code == "UNAUTHENTICATED"

    def test_refuses_another_state(self, shop: Shop) -> None:
        shop.create()

        with pytest.raises(Refused) as refused:
            shop.listed(state="ZZ")

        assert (refused.value.code, refused.value.violations[0].field) == ("INVALID_ARGUMENT", "state")
        with pytest.raises(Refused) as refused:
            _own(shop, state="ZZ")
        assert (refused.value.code, refused.value.violations[0].field) == ("INVALID_ARGUMENT", "state")
        assert shop.listed(state=shop.state) == ["Blue Dream"]

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"category": "edible"}, {"Gummies"}),
            ({"classification": "indica"}, {"Kush"}),
            ({"price_min_cents": 1500}, {"Kush"}),
            ({"price_max_cents": 600}, {"Gummies"}),
            ({"thc_min": 20.5}, {"Kush"}),
            ({"thc_max": 10}, {"Gummies"}),
            ({"cbd_min": 5, "cbd_max": 15}, {"Gummies"}),
            ({"q": "kus"}, {"Kush"}),
            ({"q": "purple kush"}, {"Kush"}),
            ({"q": "gumies"}, {"Gummies"}),
            ({"q": "CREME brulee"}, {"Gummies"}),
            ({"q": "rocket-77"}, {"Kush"}),
            ({"q": "nothing like it"}, set()),
            ({"has_promo": True}, set()),
            ({"category": "flower", "price_max_cents": 600}, set()),
            ({}, {"Gummies", "Kush"}),
        ],
    )
    def test_filters(self, shop: Shop, filters: dict[str, Any], expected: set[str]) -> None:
        shop.create(
            title="Kush", strain="Purple", sku="ROCKET-77", price_cents=2000, classification="indica", thc_percent="22"
        )
        shop.create(
            title="Gummies", subtitle="Crème Brûlée", category="edible", price_cents=500, thc_percent="5",
            cbd_percent="10",
        )  # fmt: skip

        assert set(shop.listed(**filters)) == expected
        assert {item.title for item in _own(shop, **filters)} == expected

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"thc_max": 0}, {"Hemp"}),
            ({"thc_min": 0}, {"Hemp", "Kush"}),
            ({"cbd_max": 0}, {"Kush"}),
            ({"cbd_min": 0}, {"Hemp", "Kush"}),
            ({"price_max_cents": 0}, {"Hemp"}),
            ({"price_min_cents": 0}, {"Hemp", "Kush"}),
            ({"has_promo": False}, {"Hemp", "Kush"}),
        ],
    )
    def test_filters_by_zero(self, shop: Shop, filters: dict[str, Any], expected: set[str]) -> None:
        shop.create(title="Kush", price_cents=2000, thc_percent="22", cbd_percent="0")
        shop.create(title="Hemp", price_cents=0, thc_percent="0", cbd_percent="3")

        assert set(shop.listed(**filters)) == expected
        assert {item.title for item in _own(shop, **filters)} == expected

    def test_filters_by_everything_at_once(self, shop: Shop) -> None:
        fitting = {
            "title": "Kush", "category": "flower", "classification": "indica", "price_cents": 2000,
            "thc_percent": "22", "cbd_percent": "3",
        }  # fmt: skip
        shop.create(**fitting)
        misfits: list[dict[str, Any]] = [
            {"title": "Haze"}, {"category": "seed"}, {"classification": "sativa"}, {"price_cents": 2001},
            {"price_cents": 1999}, {"thc_percent": "22.01"}, {"thc_percent": "21.99"}, {"cbd_percent": "3.01"},
            {"cbd_percent": ""},
        ]  # fmt: skip
        for misfit in misfits:
            shop.create(**{**fitting, **misfit})
        shop.mesh.write(
            shop.products.CreatePromo, messages.CreatePromoRequest(code="SAVE", amount_cents=1), token=shop.vendor
        )

        filters: dict[str, Any] = {
            "category": "flower", "classification": "indica", "price_min_cents": 2000, "price_max_cents": 2000,
            "thc_min": 22, "thc_max": 22, "cbd_min": 3, "cbd_max": 3, "has_promo": True, "q": "kus", "state": shop.state,
        }  # fmt: skip

        assert shop.listed(**filters) == ["Kush"]
        assert [item.title for item in _own(shop, **filters)] == ["Kush"]

    def test_knows_who_has_a_promo(self, shop: Shop) -> None:
        shop.create()
        promo = messages.CreatePromoRequest(code="SAVE", amount_cents=100)
        shop.mesh.write(shop.products.CreatePromo, promo, token=shop.vendor)

        assert shop.listed(has_promo=True) == ["Blue Dream"]

    def test_counts_a_volume_discount_as_a_promo(self, shop: Shop) -> None:
        shop.create(title="Plain")
        shop.create(title="Cheaper in tens", volume_discounts=[{"min_qty": 10, "discount_percent": "5"}])

        assert shop.listed(has_promo=True) == ["Cheaper in tens"]
        assert {item.title: item.has_promo for item in _own(shop)} == {"Plain": False, "Cheaper in tens": True}

    def test_refuses_a_search_without_a_word(self, shop: Shop) -> None:
        with pytest.raises(Refused) as refused:
            shop.listed(q="';--")

        assert refused.value.violations[0].field == "q"

    def test_pages_without_repeating_when_something_new_appears(self, shop: Shop) -> None:
        for number in range(5):
            shop.mesh.clock.advance(timedelta(seconds=1))
            shop.create(title=f"P{number}")

        seen: list[str] = []
        cursor = ""
        while True:
            request = messages.ListProductsRequest(limit=2, cursor=cursor)
            answer = shop.mesh.read(shop.products.ListProducts, request, token=shop.buyer)
            seen += [item.title for item in answer.items]
            shop.mesh.clock.advance(timedelta(seconds=1))
            shop.create(title="New")
            cursor = answer.next_cursor
            if not cursor:
                break

        assert seen == ["P4", "P3", "P2", "P1", "P0"]
        assert answer.pagination.limit == 2

    def test_asks_two_statements_however_many_products(self, shop: Shop) -> None:
        for _ in range(4):
            shop.create()

        with shop.statements() as statements:
            assert len(shop.listed()) == 4

        assert len(statements) == 2

    def test_tells_no_buyer_what_is_in_stock(self, shop: Shop) -> None:
        shop.create(available=3)

        request = messages.ListProductsRequest()
        answer = shop.mesh.read(shop.products.ListProducts, request, token=shop.buyer)

        assert not answer.items[0].HasField("inventory")
        assert answer.items[0].in_stock


class TestListVendorProducts:
    def test_shows_all_own_products_with_their_inventory(self, shop: Shop) -> None:
        shop.create(title="Old", available=7)
        shop.mesh.clock.advance(timedelta(seconds=1))
        shop.create(title="Draft", is_active=False)
        Shop(shop.mesh).create(title="Foreign")

        items = _own(shop)

        assert [(item.title, item.is_active, item.inventory.available_qty) for item in items] == [
            ("Draft", False, 10),
            ("Old", True, 7),
        ]

    def test_is_not_for_buyers(self, shop: Shop) -> None:
        with pytest.raises(Refused) as refused:
            shop.mesh.read(shop.products.ListVendorProducts, messages.ListProductsRequest(), token=shop.buyer)

        assert refused.value.code == "PERMISSION_DENIED"


class TestGetProduct:
    def test_shows_a_visible_product_without_its_inventory(self, shop: Shop) -> None:
        product = shop.create(volume_discounts=[{"min_qty": 5, "discount_percent": "10"}])

        seen = _read(shop, product.summary.id, shop.buyer)

        assert not seen.summary.HasField("inventory")
        assert [tier.discount_percent for tier in seen.volume_discounts] == ["10"]

    def test_always_shows_a_vendor_its_own(self, shop: Shop) -> None:
        product = shop.create(is_active=False)
        shop.gate(shop.vendor_id, version=2, kyc_status="suspended")

        assert _read(shop, product.summary.id, shop.vendor) == product

    def test_answers_alike_for_hidden_inactive_and_missing_products(self, shop: Shop) -> None:
        inactive = shop.create(is_active=False).summary.id
        hidden = Shop(shop.mesh)
        hidden_id = hidden.create().summary.id

        refusals = [_read_refusal(shop, product, shop.buyer) for product in (inactive, hidden_id, str(uuid.uuid4()))]

        assert {refusal.code for refusal in refusals} == {"NOT_FOUND"}
        assert refusals[0].status == refusals[1].status == refusals[2].status


class TestSetInventory:
    def test_sets_what_is_available_and_never_what_is_reserved(self, shop: Shop) -> None:
        product = shop.product(available=10)
        shop.reserve(Checkout.of((product, 4)))

        answer = _set(shop, product, available_qty=100, low_stock_threshold=7)

        assert (answer.available_qty, answer.reserved_qty, answer.low_stock_threshold) == (100, 4, 7)
        assert shop.inventory(product) == (100, 4, 0, 104)

    def test_keeps_the_threshold_unless_told(self, shop: Shop) -> None:
        product = shop.product()
        _set(shop, product, available_qty=1, low_stock_threshold=3)

        assert _set(shop, product, available_qty=0).low_stock_threshold == 3

    def test_keeps_the_stock_unless_told(self, shop: Shop) -> None:
        product = shop.product(available=10)
        moved = "SELECT kind, quantity FROM stock_movements WHERE product_id = CAST(:id AS uuid)"
        before = shop.mesh.rows("catalog", moved, id=str(product))

        answer = _set(shop, product, low_stock_threshold=3)

        assert (answer.available_qty, answer.low_stock_threshold) == (10, 3)
        assert shop.inventory(product) == (10, 0, 0, 10)
        assert shop.mesh.rows("catalog", moved, id=str(product)) == before

    def test_sets_nothing_without_anything_to_set(self, shop: Shop) -> None:
        with pytest.raises(Refused) as refused:
            _set(shop, shop.product())

        assert refused.value.code == "INVALID_ARGUMENT"
        assert "available_qty, low_stock_threshold" in refused.value.violations[0].description

    def test_shows_a_stock_of_nothing_as_zero(self, shop: Shop) -> None:
        product = shop.product(available=10)

        answers = [_set(shop, product, available_qty=0), shop.create(available=0).summary.inventory]

        assert [as_dict(answer)["available_qty"] for answer in answers] == [0, 0]

    def test_audits_before_and_after(self, shop: Shop) -> None:
        product = shop.product(available=10)

        _set(shop, product, available_qty=3)

        sql = "SELECT * FROM audit_log WHERE target = :id AND action = 'inventory.set'"
        rows = shop.mesh.rows("catalog", sql, id=str(product))
        assert [(row.before["available_qty"], row.after["available_qty"]) for row in rows] == [(10, 3)]

    def test_hides_foreign_products(self, shop: Shop) -> None:
        product = shop.product()

        with pytest.raises(Refused) as refused:
            shop.mesh.write(
                shop.products.SetInventory,
                messages.SetInventoryRequest(product_id=str(product), available_qty=1),
                token=shop.mesh.store_token(uuid.uuid4()),
            )

        assert refused.value.code == "NOT_FOUND"
        assert shop.inventory(product) == (10, 0, 0, 10)

    def test_needs_a_key(self, shop: Shop) -> None:
        request = messages.SetInventoryRequest(product_id=str(shop.product()), available_qty=1)

        with pytest.raises(Refused) as refused:
            shop.mesh.call(shop.products.SetInventory, request, token=shop.vendor)

        assert refused.value.reason == "IDEMPOTENCY_KEY_MISSING"


class TestCreatePromo:
    def test_creates_a_code_of_the_own_store_once(self, shop: Shop) -> None:
        request = messages.CreatePromoRequest(code="WELCOME-1", amount_cents=500)

        promo = shop.mesh.write(shop.products.CreatePromo, request, token=shop.vendor)
        with pytest.raises(Refused) as refused:
            shop.mesh.write(shop.products.CreatePromo, request, token=shop.vendor)

        assert (promo.vendor_store_id, promo.code, promo.amount_cents) == (str(shop.vendor_id), "WELCOME-1", 500)
        assert (promo.currency, promo.is_active) == ("USD", True)
        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "PROMO_TAKEN")

    def test_is_not_for_staff(self, shop: Shop) -> None:
        request = messages.CreatePromoRequest(code="WELCOME", amount_cents=500)

        with pytest.raises(Refused) as refused:
            shop.mesh.write(
                shop.products.CreatePromo, request, token=shop.mesh.store_token(shop.vendor_id, role="staff")
            )

        assert refused.value.code == "PERMISSION_DENIED"


def _own(shop: Shop, **filters: Any) -> list[product_pb2.ProductSummary]:
    request = messages.ListProductsRequest(**filters)
    return list(shop.mesh.read(shop.products.ListVendorProducts, request, token=shop.vendor).items)


def _read(shop: Shop, product_id: str, token: str) -> product_pb2.Product:
    request = messages.GetProductRequest(product_id=product_id)
    answer: product_pb2.Product = shop.mesh.read(shop.products.GetProduct, request, token=token)
    return answer


def _read_refusal(shop: Shop, product_id: str, token: str) -> Refused:
    with pytest.raises(Refused) as refused:
        _read(shop, product_id, token)
    return refused.value


def _set(shop: Shop, product_id: uuid.UUID, **facts: int) -> product_pb2.Inventory:
    request = messages.SetInventoryRequest(product_id=str(product_id), **facts)
    answer: product_pb2.Inventory = shop.mesh.write(shop.products.SetInventory, request, token=shop.vendor)
    return answer


class TestTwins:
    @pytest.mark.parametrize("typed", [" CAF\u00c9 ", "CAFE\u0301", "CAF\u00c9\u00a0", "\u200bCAF\u00c9"])
    def test_of_a_sku_that_differ_only_in_blanks_or_composition_are_refused(self, shop: Shop, typed: str) -> None:
        assert shop.create(sku="CAF\u00c9").summary.sku == "CAF\u00c9"

        with pytest.raises(Refused) as refused:
            shop.create(sku=typed)

        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "SKU_TAKEN")
