"""What buyers see of a product's files: pictures in lists, gallery and certificate in the detail."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.catalog.v1 import product_service_pb2 as messages
from marketmesh.media.v1 import media_service_pb2 as media_messages
from marketmesh.media.v1 import media_service_pb2_grpc as media_stubs
from tests.media.uploads import Kind, Uploads
from tests.support.mesh_harness import Refused

if TYPE_CHECKING:
    from tests.catalog.shop import Shop


@pytest.fixture
def uploads(shop: Shop) -> Uploads:
    """Return the vendor's files."""
    return Uploads(shop.mesh, shop.mesh.stub(media_stubs.MediaServiceStub, "media"), shop.vendor_id)


def picture(uploads: Uploads) -> str:
    return str(uploads.uploaded(kind=Kind.product, mime_type="image/png"))


def certificate(uploads: Uploads) -> str:
    return str(uploads.uploaded(kind=Kind.coa, mime_type="application/pdf"))


def detail(shop: Shop, product_id: str, *, token: str = "") -> Any:
    request = messages.GetProductRequest(product_id=product_id)
    return shop.mesh.read(shop.products.GetProduct, request, token=token or shop.buyer)


def attached(shop: Shop, product_id: str) -> set[tuple[str, str]]:
    rows = shop.mesh.rows("media", "SELECT * FROM media_attachments WHERE entity_id = :id", id=uuid.UUID(product_id))
    return {(row.entity_type, str(row.media_id)) for row in rows}


class TestPictures:
    def test_stand_in_lists_and_detail(self, shop: Shop, uploads: Uploads) -> None:
        first, second = picture(uploads), picture(uploads)
        product_id = shop.create(media_ids=[first, second]).summary.id
        bare = shop.create().summary.id

        lists = (shop.products.ListProducts, shop.buyer), (shop.products.ListVendorProducts, shop.vendor)
        for rpc, token in lists:
            items = {item.id: item for item in shop.mesh.read(rpc, messages.ListProductsRequest(), token=token).items}
            assert items[product_id].thumbnail_media_id == first
            assert f"{first}.png" in items[product_id].thumbnail_url
            assert (items[bare].thumbnail_media_id, items[bare].thumbnail_url) == ("", "")
        seen = detail(shop, product_id)
        assert [item.media_id for item in seen.media] == [first, second] == list(seen.media_ids)
        assert all(f"{item.media_id}.png" in item.url for item in seen.media)

    def test_are_missing_while_media_is_away_and_nothing_else_is(self, shop: Shop, uploads: Uploads) -> None:
        first = picture(uploads)
        product_id = shop.create(media_ids=[first]).summary.id
        buyer = shop.buyer

        shop.mesh.stop("media")
        try:
            seen = detail(shop, product_id, token=buyer)
        finally:
            shop.mesh.start("media")

        assert (seen.summary.thumbnail_media_id, seen.summary.thumbnail_url) == (first, "")
        assert [(item.media_id, item.url) for item in seen.media] == [(first, "")]

    def test_are_read_by_any_store_but_a_certificate_is_not(self, shop: Shop, uploads: Uploads) -> None:
        shown, private = picture(uploads), certificate(uploads)
        pending = uploads.presign(kind=Kind.product, mime_type="image/png").media_id

        def url(media_id: str) -> str:
            request = media_messages.GetMediaUrlRequest(media_id=media_id)
            return str(shop.mesh.read(uploads.media.GetMediaUrl, request, token=shop.buyer).url)

        assert f"{shown}.png" in url(shown)
        for hidden in (private, pending, str(uuid.uuid4())):
            with pytest.raises(Refused) as refused:
                url(hidden)
            assert refused.value.code == "NOT_FOUND"


class TestCertificate:
    def test_comes_with_the_product(self, shop: Shop, uploads: Uploads) -> None:
        coa, image = certificate(uploads), picture(uploads)

        product = shop.create(coa_media_id=coa, media_ids=[image])

        seen = detail(shop, product.summary.id)
        assert (product.coa_media_id, seen.summary.coa_added) == (coa, True)
        assert f"{coa}.pdf" in seen.coa_url
        assert attached(shop, product.summary.id) == {("product_gallery", image), ("product_coa", coa)}

    def test_is_set_and_taken_away_by_a_patch_that_leaves_the_gallery(self, shop: Shop, uploads: Uploads) -> None:
        coa, image = certificate(uploads), picture(uploads)
        product_id = shop.create(media_ids=[image]).summary.id

        def patch(media_id: str) -> Any:
            request = messages.UpdateProductRequest(product_id=product_id, coa_media_id=media_id)
            return shop.mesh.write(shop.products.UpdateProduct, request, token=shop.vendor)

        changed = patch(coa)
        assert (changed.coa_media_id, list(changed.media_ids)) == (coa, [image])
        assert attached(shop, product_id) == {("product_gallery", image), ("product_coa", coa)}
        assert patch("").coa_media_id == ""
        assert attached(shop, product_id) == {("product_gallery", image)}

    def test_must_be_one(self, shop: Shop, uploads: Uploads) -> None:
        image = picture(uploads)

        with pytest.raises(Refused) as refused:
            shop.create(coa_media_id=image, media_ids=[picture(uploads)])

        assert (refused.value.reason, refused.value.violations[0].field) == ("MEDIA_UNUSABLE", "coa_media_id")
        left = shop.mesh.rows("media", "SELECT 1 FROM media_attachments WHERE store_id = :id", id=shop.vendor_id)
        assert left == []
