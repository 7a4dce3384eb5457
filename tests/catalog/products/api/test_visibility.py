"""Why a listing is hidden: to its vendor and to administrators."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from typing import Any

import pytest

from marketmesh.catalog.v1 import admin_service_pb2_grpc as admin_stubs
from marketmesh.catalog.v1 import product_service_pb2 as messages
from tests.catalog.shop import Shop
from tests.support.mesh_harness import Refused

_GATE = messages.VisibilityGate.Value


class TestGetProductVisibility:
    def test_finds_every_gate_open(self, shop: Shop) -> None:
        product = shop.product(available=10)

        answer = _explain(shop, product)

        assert (answer.visible, answer.in_stock) == (True, True)
        assert [(_GATE.Name(gate.gate), gate.open, gate.value, gate.fix) for gate in answer.gates] == [
            ("product_active", True, "active", ""),
            ("vendor_type", True, "vendor", ""),
            ("vendor_verified", True, "verified", ""),
            ("vendor_subscribed", True, "active", ""),
            ("same_state", True, shop.state, ""),
        ]
        assert all(gate.HasField("since") for gate in answer.gates)

    @pytest.mark.parametrize(
        ("change", "gate", "value"),
        [
            ({"kyc_status": "suspended"}, "vendor_verified", "suspended"),
            ({"kyc_status": "expired"}, "vendor_verified", "expired"),
            ({"kyc_status": "rejected"}, "vendor_verified", "rejected"),
            ({"kyc_status": "pending_verification"}, "vendor_verified", "pending_verification"),
            ({"subscription_active": False}, "vendor_subscribed", "none"),
            ({"type": "buyer"}, "vendor_type", "buyer"),
        ],
    )
    def test_names_the_gate_of_the_vendor_since_when_and_what_opens_it(
        self, shop: Shop, change: dict[str, Any], gate: str, value: str
    ) -> None:
        product = shop.product()
        shop.gate(shop.vendor_id, version=2, changed_at={"seconds": 1_700_000_000}, **change)
        # Other news later do not make it younger.
        shop.gate(shop.vendor_id, version=3, changed_at={"seconds": 1_700_000_500}, name="Renamed", **change)

        answer = _explain(shop, product)

        (closed,) = [each for each in answer.gates if not each.open]
        assert not answer.visible
        assert (_GATE.Name(closed.gate), closed.value) == (gate, value)
        assert closed.since.seconds == 1_700_000_000
        assert closed.fix
        assert shop.listed() == []

    def test_names_a_product_that_is_switched_off_and_since_when(self, shop: Shop) -> None:
        product = shop.product()
        shop.mesh.clock.advance(timedelta(hours=1))
        switched = shop.mesh.clock.now()
        _update(shop, product, is_active=False)
        shop.mesh.clock.advance(timedelta(hours=1))
        _update(shop, product, title="Other")

        gate = _explain(shop, product).gates[0]

        assert (gate.open, gate.value) == (False, "inactive")
        assert gate.since.ToDatetime(UTC) == switched
        assert "is_active" in gate.fix

    def test_tells_whether_another_states_buyers_see_it(self, shop: Shop) -> None:
        product = shop.product()

        answer = _explain(shop, product, buyer_state="ZZ")

        assert [_GATE.Name(gate.gate) for gate in answer.gates if not gate.open] == ["same_state"]
        assert _explain(shop, product, buyer_state=shop.state).visible

    def test_hides_nothing_for_being_sold_out(self, shop: Shop) -> None:
        product = shop.product(available=0)

        answer = _explain(shop, product)

        assert (answer.visible, answer.in_stock) == (True, False)

    def test_says_so_when_nobody_has_told_of_the_store(self, shop: Shop) -> None:
        unknown = Shop(shop.mesh)
        product = unknown.product()

        answer = _explain(unknown, product)

        assert not answer.visible
        assert [gate.open for gate in answer.gates] == [True, False, False, False, False]
        assert not answer.gates[1].HasField("since")

    def test_knows_no_foreign_nor_deleted_product(self, shop: Shop) -> None:
        foreign = Shop(shop.mesh).product()

        refusals = []
        for product in (foreign, uuid.uuid4()):
            with pytest.raises(Refused) as refused:
                _explain(shop, product)
            refusals.append(refused.value)

        assert refusals[0].code == "NOT_FOUND"
        assert refusals[0].status == refusals[1].status


class TestExplainProductVisibility:
    def test_tells_an_administrator_about_any_product(self, shop: Shop) -> None:
        product = shop.product()
        stub = shop.mesh.stub(admin_stubs.CatalogAdminServiceStub, "catalog")
        request = messages.GetProductVisibilityRequest(product_id=str(product))

        answer = shop.mesh.read(stub.ExplainProductVisibility, request, token=shop.mesh.admin_token())

        assert answer == _explain(shop, product)
        with pytest.raises(Refused) as refused:
            shop.mesh.read(stub.ExplainProductVisibility, request, token=shop.vendor)
        assert refused.value.code in {"UNAUTHENTICATED", "PERMISSION_DENIED"}


def _explain(shop: Shop, product: uuid.UUID, **facts: str) -> messages.ProductVisibility:
    request = messages.GetProductVisibilityRequest(product_id=str(product), **facts)
    answer: messages.ProductVisibility = shop.mesh.read(shop.products.GetProductVisibility, request, token=shop.vendor)
    return answer


def _update(shop: Shop, product: uuid.UUID, **changes: Any) -> None:
    request = messages.UpdateProductRequest(product_id=str(product), **changes)
    shop.mesh.write(shop.products.UpdateProduct, request, token=shop.vendor)
