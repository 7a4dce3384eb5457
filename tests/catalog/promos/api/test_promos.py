"""A vendor's promo codes: seen, and ended."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as internal
from marketmesh.catalog.v1 import product_service_pb2 as messages
from tests.catalog.shop import Shop
from tests.support.mesh_harness import Refused


class TestListPromos:
    def test_shows_own_codes_newest_first_in_pages(self, shop: Shop) -> None:
        for code in ("ONE", "TWO", "THREE"):
            _create(shop, code)
            shop.mesh.clock.advance(timedelta(seconds=1))
        _create(Shop(shop.mesh), "FOREIGN")

        first = _list(shop, limit=2)
        second = _list(shop, limit=2, cursor=first.next_cursor)

        assert [promo.code for promo in (*first.items, *second.items)] == ["THREE", "TWO", "ONE"]
        assert second.next_cursor == ""

    def test_leaves_out_ended_ones_when_asked(self, shop: Shop) -> None:
        _create(shop, "KEPT")
        _end(shop, _create(shop, "ENDED").id)

        assert {(promo.code, promo.is_active) for promo in _list(shop).items} == {("KEPT", True), ("ENDED", False)}
        assert [promo.code for promo in _list(shop, active_only=True).items] == ["KEPT"]


class TestDeactivatePromo:
    def test_ends_it_for_quotes_and_lists(self, shop: Shop) -> None:
        shop.create()
        promo = _create(shop, "SAVE")
        assert shop.listed(has_promo=True) == ["Blue Dream"]

        ended = _end(shop, promo.id)
        again = _end(shop, promo.id)

        ref = internal.PromoRef(vendor_store_id=str(shop.vendor_id), code="SAVE")
        quoted = shop.mesh.read(
            shop.internal.GetQuoteFacts, internal.GetQuoteFactsRequest(promos=[ref]), token=shop.mesh.service_token()
        )
        assert (ended.code, ended.is_active) == ("SAVE", False)
        assert again == ended
        assert list(quoted.promos) == []
        assert shop.listed(has_promo=True) == []

    def test_audits_before_and_after(self, shop: Shop) -> None:
        promo = _create(shop, "SAVE")

        _end(shop, promo.id)

        sql = "SELECT * FROM audit_log WHERE target = :id AND action = 'promo.deactivate'"
        rows = shop.mesh.rows("catalog", sql, id=promo.id)
        assert [(row.before, row.after) for row in rows] == [({"is_active": True}, {"is_active": False})]

    def test_knows_no_foreign_code(self, shop: Shop) -> None:
        other = Shop(shop.mesh)
        foreign = _create(other, "SAVE").id

        refusals = []
        for promo in (foreign, str(uuid.uuid4())):
            with pytest.raises(Refused) as refused:
                _end(shop, promo)
            refusals.append(refused.value)

        assert refusals[0].code == "NOT_FOUND"
        assert refusals[0].status == refusals[1].status
        assert [promo.is_active for promo in _list(other).items] == [True]

    def test_is_not_for_staff(self, shop: Shop) -> None:
        promo = _create(shop, "SAVE")

        with pytest.raises(Refused) as refused:
            _end(shop, promo.id, token=shop.mesh.store_token(shop.vendor_id, role="staff"))

        assert refused.value.code == "PERMISSION_DENIED"


def _create(shop: Shop, code: str) -> messages.Promo:
    request = messages.CreatePromoRequest(code=code, amount_cents=100)
    answer: messages.Promo = shop.mesh.write(shop.products.CreatePromo, request, token=shop.vendor)
    return answer


def _end(shop: Shop, promo_id: str, *, token: str = "") -> messages.Promo:
    request = messages.DeactivatePromoRequest(promo_id=promo_id)
    answer: messages.Promo = shop.mesh.write(shop.products.DeactivatePromo, request, token=token or shop.vendor)
    return answer


def _list(shop: Shop, **facts: Any) -> messages.ListPromosResponse:
    request = messages.ListPromosRequest(**facts)
    answer: messages.ListPromosResponse = shop.mesh.read(shop.products.ListPromos, request, token=shop.vendor)
    return answer


class TestCreatePromo:
    @pytest.mark.parametrize("typed", ["save", " SAVE ", "Save\u00a0", "ＳＡＶＥ"])
    def test_knows_a_twin(self, shop: Shop, typed: str) -> None:
        assert _create(shop, "Save").code == "SAVE"

        with pytest.raises(Refused) as refused:
            _create(shop, typed)

        assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "PROMO_TAKEN")

    @pytest.mark.parametrize("typed", ["AB", "A B C", "ÄÖÜ", "X" * 41, " \u200b "])
    def test_refuses_what_nobody_could_type(self, shop: Shop, typed: str) -> None:
        with pytest.raises(Refused) as refused:
            _create(shop, typed)

        assert refused.value.code == "INVALID_ARGUMENT"
        assert [item.field for item in refused.value.violations] == ["code"]
        assert list(_list(shop).items) == []
