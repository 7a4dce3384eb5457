"""GetVendorAnalytics through the whole chain; here the warehouse is away."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from marketmesh.analytics.v1 import analytics_service_pb2 as messages
from marketmesh.analytics.v1 import analytics_service_pb2_grpc as stubs
from meshkit.call import Call
from meshkit.principal import Principal
from services.analytics.reports.domain.windows import Window
from services.analytics.reports.usecases.read_marketplace_kpis import read_marketplace_kpis
from tests.analytics.gates import subscribe
from tests.analytics.memory_warehouse import MemoryWarehouse, warehouse_row
from tests.support.mesh_harness import MeshHarness, Refused


@pytest.fixture
def analytics(mesh: MeshHarness) -> stubs.AnalyticsServiceStub:
    return mesh.stub(stubs.AnalyticsServiceStub, "analytics")


class TestGetVendorAnalytics:
    @pytest.mark.parametrize("active", [None, False], ids=["never announced", "lapsed"])
    def test_needs_a_subscription(
        self, mesh: MeshHarness, analytics: stubs.AnalyticsServiceStub, *, active: bool | None
    ) -> None:
        vendor = uuid.uuid4()
        if active is not None:
            subscribe(mesh, vendor, active=active)

        with pytest.raises(Refused) as refused:
            mesh.read(
                analytics.GetVendorAnalytics, messages.GetVendorAnalyticsRequest(), token=mesh.store_token(vendor)
            )

        assert (refused.value.code, refused.value.reason) == ("PERMISSION_DENIED", "SUBSCRIPTION_NEEDED")
        assert refused.value.metadata["needs"] == "active subscription"

    def test_asks_to_come_back_while_the_warehouse_is_away(
        self, mesh: MeshHarness, analytics: stubs.AnalyticsServiceStub
    ) -> None:
        vendor = uuid.uuid4()
        subscribe(mesh, vendor)

        with pytest.raises(Refused) as refused:
            mesh.read(
                analytics.GetVendorAnalytics, messages.GetVendorAnalyticsRequest(), token=mesh.store_token(vendor)
            )

        assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert refused.value.metadata["dependency"] == "bigquery"
        assert refused.value.headers["retry-after"] == "1"

    def test_knows_three_windows(self, mesh: MeshHarness, analytics: stubs.AnalyticsServiceStub) -> None:
        with pytest.raises(Refused) as refused:
            mesh.read(
                analytics.GetVendorAnalytics,
                messages.GetVendorAnalyticsRequest(preset="1y"),
                token=mesh.store_token(uuid.uuid4()),
            )

        assert (refused.value.reason, [item.field for item in refused.value.violations]) == (
            "VALIDATION_ERROR",
            ["preset"],
        )

    def test_serves_vendors_only(self, mesh: MeshHarness, analytics: stubs.AnalyticsServiceStub) -> None:
        tokens = {
            "nobody": "",
            "buyer": mesh.store_token(uuid.uuid4(), store_type="buyer"),
            "admin": mesh.admin_token(),
            "agent": mesh.agent_token(),
            "service": mesh.service_token(),
        }

        codes = {}
        for name, token in tokens.items():
            with pytest.raises(Refused) as refused:
                mesh.call(analytics.GetVendorAnalytics, messages.GetVendorAnalyticsRequest(), token=token)
            codes[name] = refused.value.code

        assert codes == {
            "nobody": "UNAUTHENTICATED",
            "buyer": "PERMISSION_DENIED",
            "admin": "UNAUTHENTICATED",
            "agent": "UNAUTHENTICATED",
            "service": "UNAUTHENTICATED",
        }


class TestWindows:
    @pytest.mark.parametrize("method", ["GetVendorAnalytics", "GetMarketplaceAnalytics"])
    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"from": 1_700_000_000, "to": 1_700_000_000}, "to"),
            ({"from": 1_700_000_000, "to": 1_600_000_000}, "to"),
            ({"from": 1_700_000_000}, "to"),
            ({"to": 1_700_000_000}, "from"),
            ({"preset": "7d", "from": 1_600_000_000, "to": 1_700_000_000}, "preset"),
            ({"from": -1, "to": 1_700_000_000}, "from"),
            ({"preset": "2d"}, "preset"),
        ],
        ids=str,
    )
    def test_names_what_is_wrong_with_one(
        self,
        mesh: MeshHarness,
        analytics: stubs.AnalyticsServiceStub,
        method: str,
        fields: dict[str, str | int],
        wrong: str,
    ) -> None:
        request = getattr(messages, f"{method}Request")()
        for name, value in fields.items():
            if isinstance(value, str):
                request.preset = value
            else:
                getattr(request, name).seconds = value

        with pytest.raises(Refused) as refused:
            mesh.read(getattr(analytics, method), request, token=mesh.store_token(uuid.uuid4()))

        assert (refused.value.reason, [item.field for item in refused.value.violations]) == (
            "VALIDATION_ERROR",
            [wrong],
        )


class TestGetMarketplaceAnalytics:
    @pytest.mark.parametrize(
        ("store_type", "is_subscribed", "side"),
        [("vendor", True, "vendor"), ("vendor", False, "buyer"), ("buyer", False, "buyer")],
    )
    def test_shows_sales_only_to_who_may_sell(
        self, mesh: MeshHarness, store_type: str, is_subscribed: bool, side: str
    ) -> None:
        """Losing the subscription turns a vendor into a buyer (REQUIREMENTS A.6.1)."""
        store, memory = uuid.uuid4(), MemoryWarehouse()
        subscribe(mesh, store, active=is_subscribed)
        window = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
        sold, bought = warehouse_row(vendor_store_id=str(store)), warehouse_row(buyer_store_id=str(store))
        memory.load([{**sold, "gross_revenue_cents": 1}, {**bought, "gross_revenue_cents": 20}])
        principal = Principal(user_id=uuid.uuid4(), store_id=store, store_type=store_type, role="owner")

        with mesh.process("analytics").transactions.read(Call(principal=principal)) as tx:
            report = read_marketplace_kpis(tx, window=window, warehouse=memory)

        assert report.kpis.gmv_cents == {"vendor": 1, "buyer": 20}[side]

    @pytest.mark.parametrize("store_type", ["buyer", "vendor"])
    @pytest.mark.parametrize("preset", ["", "1d", "7d", "30d", "90d", "1m", "1y"])
    def test_is_for_every_store_and_takes_every_preset(
        self, mesh: MeshHarness, analytics: stubs.AnalyticsServiceStub, store_type: str, preset: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            mesh.read(
                analytics.GetMarketplaceAnalytics,
                messages.GetMarketplaceAnalyticsRequest(preset=preset),
                token=mesh.store_token(uuid.uuid4(), store_type=store_type),
            )

        # Here the warehouse is away: the request was understood and allowed.
        assert refused.value.metadata["dependency"] == "bigquery"
