"""A vendor's logo beside its products: as identity tells it, with a URL from media."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.catalog.v1 import product_service_pb2 as messages
from marketmesh.media.v1 import media_service_pb2_grpc as media_stubs
from services.catalog.outbound.media_client import MediaClient
from tests.catalog.shop import Shop
from tests.media.uploads import Kind, Uploads

if TYPE_CHECKING:
    from marketmesh.catalog.v1 import product_pb2


@pytest.fixture
def image(shop: Shop) -> str:
    """Return the id of the vendor's uploaded logo; media runs."""
    uploads = Uploads(shop.mesh, shop.mesh.stub(media_stubs.MediaServiceStub, "media"), shop.vendor_id)
    return str(uploads.uploaded(kind=Kind.store, mime_type="image/png"))


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return of how many files media was asked for URLs, call by call."""
    asked: list[int] = []
    read_urls = MediaClient.read_urls

    def count(self: MediaClient, call: Any, media_ids: Any) -> Any:
        asked.append(len(media_ids))
        return read_urls(self, call, media_ids)

    monkeypatch.setattr(MediaClient, "read_urls", count)
    return asked


def grid(shop: Shop, *, own: bool = False) -> list[product_pb2.VendorSummary]:
    rpc, token = (shop.products.ListVendorProducts, shop.vendor) if own else (shop.products.ListProducts, shop.buyer)
    return [item.vendor for item in shop.mesh.read(rpc, messages.ListProductsRequest(), token=token).items]


def detail(shop: Shop, product_id: uuid.UUID) -> product_pb2.VendorSummary:
    request = messages.GetProductRequest(product_id=str(product_id))
    product: product_pb2.Product = shop.mesh.read(shop.products.GetProduct, request, token=shop.buyer)
    return product.summary.vendor


class TestVendorLogo:
    def test_is_shown_in_lists_and_detail(self, shop: Shop, image: str) -> None:
        product_id = shop.product()

        shop.gate(shop.vendor_id, version=2, logo_media_id=image)

        for vendor in (*grid(shop), *grid(shop, own=True), detail(shop, product_id)):
            assert (vendor.company_name, vendor.logo_media_id) == ("Green Co", image)
            assert f"{image}.png" in vendor.logo_url

    def test_follows_the_newest_news(self, shop: Shop, image: str) -> None:
        product_id = shop.product()

        shop.gate(shop.vendor_id, version=3, logo_media_id=image)
        shop.gate(shop.vendor_id, version=2)
        late = detail(shop, product_id).logo_media_id
        shop.gate(shop.vendor_id, version=4)
        removed = detail(shop, product_id)

        assert (late, removed.logo_media_id, removed.logo_url) == (image, "", "")

    @pytest.mark.usefixtures("image")
    def test_costs_nothing_without_one(self, shop: Shop, signed: list[int]) -> None:
        shop.product()

        assert [vendor.logo_url for vendor in grid(shop)] == [""]
        assert signed == []

    def test_costs_two_statements_and_one_call_however_many_vendors(
        self, shop: Shop, image: str, signed: list[int]
    ) -> None:
        shop.gate(shop.vendor_id, version=2, logo_media_id=image)
        for _ in range(3):
            shop.product()
        for _ in range(4):
            other = uuid.uuid4()
            shop.gate(other, logo_media_id=str(uuid.uuid4()))
            shop.create(token=shop.mesh.store_token(other))

        with shop.statements() as statements:
            vendors = grid(shop)

        assert (len(vendors), len(statements), signed) == (7, 2, [5])
        # Those of the others cannot be read: nobody uploaded them.
        assert sum(bool(vendor.logo_url) for vendor in vendors) == 3
        assert all(vendor.logo_media_id for vendor in vendors)

    def test_is_left_out_while_media_is_away(self, shop: Shop, image: str) -> None:
        product_id = shop.product()
        shop.gate(shop.vendor_id, version=2, logo_media_id=image)
        shop.mesh.stop("media")
        try:
            vendors = [*grid(shop), detail(shop, product_id)]
        finally:
            shop.mesh.start("media")

        assert [(vendor.logo_media_id, vendor.logo_url) for vendor in vendors] == [(image, "")] * 2
