"""A campaign for a product: catalog says whose it is."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from marketmesh.ads.v1 import ad_service_pb2 as messages
from services.ads.campaigns.domain.destination import CLEAN
from tests.ads.campaigns.api.test_ad_servicer import Market, Target
from tests.ads.campaigns.domain.test_destination import REFUSED, WRITTEN_AND_CLEAN
from tests.commerce.fake_catalog import Away, FakeCatalog, mesh_around
from tests.support.mesh_harness import MeshHarness, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.dev.stack import Embedded


@pytest.fixture(scope="module")
def ads_mesh(embedded_stack: Embedded) -> Iterator[tuple[MeshHarness, FakeCatalog]]:
    """Return a harness whose catalog is the fake one."""
    with mesh_around("ads", embedded_stack) as mesh:
        yield mesh


@pytest.fixture
def catalog(ads_mesh: tuple[MeshHarness, FakeCatalog]) -> Iterator[FakeCatalog]:
    """Return a catalog in which nothing fails yet."""
    yield ads_mesh[1]
    ads_mesh[1].before = None


@pytest.fixture
def market(ads_mesh: tuple[MeshHarness, FakeCatalog]) -> Market:
    return Market(ads_mesh[0])


class TestCreateAd:
    def test_targets_a_product_of_ones_own(self, market: Market, catalog: FakeCatalog) -> None:
        vendor = market.vendor()
        product = catalog.add_product(vendor=str(vendor))

        ad = market.create(vendor, target_type=Target.product, target_id=product)

        assert (ad.target_type, ad.target_id, ad.store_id) == (Target.product, product, str(vendor))
        shown = market.serve(market.buyer())
        assert (shown.ad_id, shown.target_type, shown.target_id) == (ad.id, Target.product, product)

    def test_refuses_a_foreign_product_as_a_missing_one(self, market: Market, catalog: FakeCatalog) -> None:
        vendor = market.vendor()
        foreign, missing = catalog.add_product(vendor=str(market.vendor())), str(uuid.uuid4())

        told = []
        for target in (foreign, missing):
            with pytest.raises(Refused) as refused:
                market.create(vendor, target_type=Target.product, target_id=target)
            told.append((refused.value.code, refused.value.reason, refused.value.violations))

        assert told[0] == told[1]
        assert [item.field for item in told[0][2]] == ["target_id"]
        assert market.rows(vendor) == []

    def test_is_repeated_under_the_same_key_when_catalog_was_away(self, market: Market, catalog: FakeCatalog) -> None:
        vendor, key = market.vendor(), uuid.uuid4().hex
        request = market.request(vendor, target_type=Target.product, target_id=catalog.add_product(vendor=str(vendor)))
        token = market.mesh.store_token(vendor)

        def be_away(_: str) -> None:
            raise Away

        catalog.before = be_away
        with pytest.raises(Refused) as refused:
            market.mesh.call(market.ads.CreateAd, request, token=token, key=key)
        assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert market.rows(vendor) == []
        catalog.before = None

        ad: messages.Ad = market.mesh.call(market.ads.CreateAd, request, token=token, key=key)[0]

        assert [str(row.id) for row in market.rows(vendor)] == [ad.id]

    def test_asks_catalog_for_nobody_who_may_not_advertise(self, market: Market, catalog: FakeCatalog) -> None:
        vendor = market.vendor(subscription_active=False)
        product = catalog.add_product(vendor=str(vendor))
        catalog.calls.clear()

        with pytest.raises(Refused) as refused:
            market.create(vendor, target_type=Target.product, target_id=product)

        assert refused.value.reason == "VENDOR_NOT_ELIGIBLE"
        assert catalog.calls == []


class TestServeAd:
    @pytest.mark.parametrize(
        "url",
        [
            "http://shop.example.com/a",
            "https://me:pw@shop.example.com",
            "javascript:alert(1)",
            "https://127.0.0.1/x",
            "https://169.254.169.254/",
            "https://localhost",
            "https://a.internal/x",
        ],
    )
    def test_shows_no_campaign_of_before_that_leads_elsewhere(self, market: Market, url: str) -> None:
        ad = market.create(market.vendor())
        with market.mesh.as_owner("ads") as tx:
            tx.execute(
                text("UPDATE ad_creatives SET destination_url = :url WHERE ad_id = CAST(:id AS uuid)"),
                {"url": url, "id": ad.id},
            )

        assert market.serve(market.buyer()).ad_id == ""

    def test_reads_addresses_as_they_are_checked(self, market: Market) -> None:
        clean = [address for _, address in WRITTEN_AND_CLEAN]
        # Nothing was kept with a zero byte: Postgres takes none.
        kept = [address for address in REFUSED if "\0" not in address]

        matching = market.mesh.rows(
            "ads", "SELECT url FROM unnest(CAST(:urls AS text[])) AS u (url) WHERE url ~ :clean",
            urls=clean + kept, clean=CLEAN,
        )  # fmt: skip

        assert [row.url for row in matching] == clean
