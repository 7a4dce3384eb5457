"""CatalogInternalService through its whole interceptor chain: quoting, reserving, releasing."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as internal
from marketmesh.catalog.v1 import product_service_pb2 as messages
from tests.catalog.shop import Checkout, Shop
from tests.support.mesh_harness import Refused

LOCK_AND_WRITE = 2


class TestReserve:
    def test_holds_stock_line_by_line(self, shop: Shop) -> None:
        scarce, plenty = shop.product(available=2), shop.product(available=100)
        checkout = Checkout.of((scarce, 3), (plenty, 40), (uuid.uuid4(), 1))

        answer = shop.reserve(checkout)

        assert [(line.reserved, line.reason) for line in answer.lines] == [
            (False, "insufficient_inventory"),
            (True, ""),
            (False, "not_available"),
        ]
        assert [line.line_id for line in answer.lines] == [str(line_id) for line_id, _, _ in checkout.lines]
        assert shop.inventory(scarce) == (2, 0, 0, 2)
        assert shop.inventory(plenty) == (60, 40, 0, 100)

    def test_counts_lines_of_one_product_together(self, shop: Shop) -> None:
        product = shop.product(available=10)

        answer = shop.reserve(Checkout.of((product, 6), (product, 6), (product, 4)))

        assert [line.reserved for line in answer.lines] == [True, False, True]
        assert shop.inventory(product) == (0, 10, 0, 10)

    def test_refuses_what_is_not_listed(self, shop: Shop) -> None:
        product = shop.product(is_active=False)

        answer = shop.reserve(Checkout.of((product, 1)))

        assert answer.lines[0].reason == "not_available"

    def test_answers_the_same_group_with_the_same_bytes(self, shop: Shop) -> None:
        scarce, plenty = shop.product(available=2), shop.product()
        checkout = Checkout.of((scarce, 3), (plenty, 4))
        first = shop.reserve(checkout)
        shop.mesh.write(
            shop.products.SetInventory,
            messages.SetInventoryRequest(product_id=str(scarce), available_qty=50),
            token=shop.vendor,
        )

        again = shop.reserve(checkout)

        assert again.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert shop.inventory(plenty) == (6, 4, 0, 10)

    def test_answers_in_the_order_of_each_request(self, shop: Shop) -> None:
        checkout = Checkout.of((shop.product(), 1), (shop.product(available=0), 1), (shop.product(), 2))
        shop.reserve(checkout)

        turned = shop.reserve(Checkout(checkout.lines[::-1], checkout.group_id, checkout.order_id))

        assert [line.line_id for line in turned.lines] == [str(line_id) for line_id, _, _ in checkout.lines[::-1]]
        assert [line.reserved for line in turned.lines] == [True, False, True]

    def test_sells_exactly_the_last_units_to_many_at_once(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkouts = [Checkout.of((product, 1)) for _ in range(50)]
        barrier = threading.Barrier(25)

        def buy(checkout: Checkout) -> bool:
            barrier.wait(10)
            return shop.reserve(checkout).lines[0].reserved

        with ThreadPoolExecutor(25) as pool:
            reserved = list(pool.map(buy, checkouts))

        assert sum(reserved) == 10
        assert shop.inventory(product) == (0, 10, 0, 10)

    def test_never_deadlocks_when_carts_cross(self, shop: Shop) -> None:
        first, second = shop.product(available=1000), shop.product(available=1000)
        checkouts = [Checkout.of((first, 1), (second, 1)), Checkout.of((second, 1), (first, 1))] * 10
        checkouts = [Checkout.of(*((product, 1) for _, product, _ in checkout.lines)) for checkout in checkouts]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(shop.reserve, checkouts))

        assert all(line.reserved for answer in answers for line in answer.lines)
        assert shop.inventory(first) == shop.inventory(second) == (980, 20, 0, 1000)

    def test_reserves_once_when_twins_race(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 3))

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(shop.reserve, [checkout] * 8))

        assert all(answer == answers[0] for answer in answers)
        assert shop.inventory(product) == (7, 3, 0, 10)

    def test_takes_two_statements_however_many_lines(self, shop: Shop) -> None:
        products = [shop.product() for _ in range(6)]
        checkout = Checkout.of(*((product, 1) for product in products * 2))

        with shop.statements() as statements:
            shop.reserve(checkout)

        assert len(statements) == LOCK_AND_WRITE

    @pytest.mark.parametrize("change", ["quantity", "product", "missing", "more"])
    def test_refuses_the_same_group_with_other_lines(self, shop: Shop, change: str) -> None:
        product, other = shop.product(), shop.product()
        checkout = Checkout.of((product, 1), (other, 1))
        shop.reserve(checkout)
        first, second = checkout.lines
        lines = {
            "quantity": [(first[0], product, 2), second],
            "product": [(first[0], other, 1), second],
            "missing": [first],
            "more": [first, second, (uuid.uuid4(), product, 1)],
        }[change]

        with pytest.raises(Refused) as refused:
            shop.reserve(Checkout(lines, checkout.group_id, checkout.order_id))

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "STATE_CONFLICT")
        assert shop.inventory(product) == (9, 1, 0, 10)

    def test_refuses_a_line_of_another_group(self, shop: Shop) -> None:
        product = shop.product()
        checkout = Checkout.of((product, 1))
        shop.reserve(checkout)

        with pytest.raises(Refused) as refused:
            shop.reserve(Checkout(checkout.lines))

        assert refused.value.reason == "STATE_CONFLICT"
        assert shop.inventory(product) == (9, 1, 0, 10)

    def test_refuses_a_line_named_twice(self, shop: Shop) -> None:
        checkout = Checkout.of((shop.product(), 1))

        with pytest.raises(Refused) as refused:
            shop.reserve(Checkout(checkout.lines * 2))

        assert refused.value.violations[0].field == "lines"

    def test_decides_an_expired_line_anew(self, shop: Shop) -> None:
        product = shop.product(available=5)
        checkout = Checkout.of((product, 5))
        shop.reserve(checkout, expires_in_s=60)
        _expire(shop)

        again = shop.reserve(checkout)
        _expire(shop, minutes=16)
        shop.reserve(Checkout.of((product, 1)))
        too_late = shop.reserve(checkout)

        assert again.lines[0].reserved
        assert too_late.lines[0].reason == "insufficient_inventory"

    def test_does_not_pretend_that_released_stock_is_held(self, shop: Shop) -> None:
        product = shop.product()
        checkout = Checkout.of((product, 1))
        shop.reserve(checkout)
        shop.release(checkout)

        assert shop.reserve(checkout).lines[0].reason == "not_available"
        assert shop.inventory(product) == (10, 0, 0, 10)

    def test_is_only_for_services(self, shop: Shop) -> None:
        with pytest.raises(Refused) as refused:
            shop.mesh.call(shop.internal.Reserve, Checkout.of((uuid.uuid4(), 1)).request(), token=shop.buyer)

        assert refused.value.code == "UNAUTHENTICATED"


class TestReleaseGroup:
    def test_gives_back_what_is_reserved_once(self, shop: Shop) -> None:
        product = shop.product(available=10)
        checkout = Checkout.of((product, 4), (product, 20), (product, 3))
        shop.reserve(checkout)

        released = [shop.release(checkout), shop.release(checkout)]

        assert released == [2, 0]
        assert shop.inventory(product) == (10, 0, 0, 10)
        assert shop.states(checkout) == ["released", "refused", "released"]
        kept = [checkout.lines[0][0], checkout.lines[2][0]]
        assert sorted(shop.released_lines(checkout)) == sorted((str(line_id), "released") for line_id in kept)

    def test_of_an_unknown_group_releases_nothing(self, shop: Shop) -> None:
        assert shop.release(Checkout.of()) == 0


class TestGetQuoteFacts:
    def test_tells_products_in_order_with_tiers_and_own_promos(self, shop: Shop) -> None:
        tiers = [{"min_qty": 100, "discount_percent": "10"}, {"min_qty": 10, "discount_percent": "7.5"}]
        with_tiers = shop.product(volume_discounts=tiers, classification="hybrid", strain="OG", moq=2, max_qty=50)
        inactive = shop.product(is_active=False, available=3)
        promo = messages.CreatePromoRequest(code="WELCOME", amount_cents=500)
        shop.mesh.write(shop.products.CreatePromo, promo, token=shop.vendor)

        facts = _quote(
            shop,
            [inactive, uuid.uuid4(), with_tiers, inactive],
            [(shop.vendor_id, "WELCOME"), (shop.buyer_id, "WELCOME"), (shop.vendor_id, "NOPE")],
        )

        assert [product.product_id for product in facts.products] == [str(inactive), str(with_tiers)]
        assert (facts.products[0].is_active, facts.products[0].available_qty) == (False, 3)
        assert [(tier.min_qty, tier.discount_percent) for tier in facts.products[1].volume_discounts] == [
            (10, "7.5"),
            (100, "10"),
        ]
        assert (facts.products[1].moq, facts.products[1].max_qty, facts.products[1].strain) == (2, 50, "OG")
        assert [(item.vendor_store_id, item.code, item.amount_cents) for item in facts.promos] == [
            (str(shop.vendor_id), "WELCOME", 500)
        ]

    def test_is_of_one_moment_however_many_products(self, shop: Shop) -> None:
        products = [shop.product() for _ in range(5)]

        with shop.statements() as statements:
            _quote(shop, products, [(shop.vendor_id, "A"), (shop.vendor_id, "B")])

        assert len(statements) == 1

    def test_answers_nothing_for_nothing(self, shop: Shop) -> None:
        assert _quote(shop, [], []) == internal.GetQuoteFactsResponse()


def _quote(
    shop: Shop, products: list[uuid.UUID], promos: list[tuple[uuid.UUID, str]]
) -> internal.GetQuoteFactsResponse:
    request = internal.GetQuoteFactsRequest(
        product_ids=[str(product_id) for product_id in products],
        promos=[internal.PromoRef(vendor_store_id=str(store_id), code=code) for store_id, code in promos],
    )
    answer: internal.GetQuoteFactsResponse
    answer, _ = shop.mesh.call(shop.internal.GetQuoteFacts, request, token=shop.mesh.service_token())
    return answer


def _expire(shop: Shop, minutes: int = 2) -> None:
    shop.mesh.clock.advance(timedelta(minutes=minutes))
    shop.expire()
