"""Creating a product with files: two services, and whatever fails between them."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.catalog.v1 import product_service_pb2 as messages
from marketmesh.media.v1 import media_service_pb2_grpc as media_stubs
from meshkit.idempotency import FLOW_LEASE
from services.catalog.stock.data import inventory
from tests.media.uploads import Kind, Uploads
from tests.support.mesh_harness import Refused

if TYPE_CHECKING:
    from tests.catalog.shop import Shop


@pytest.fixture
def uploads(shop: Shop) -> Uploads:
    """Return the vendor's files."""
    return Uploads(shop.mesh, shop.mesh.stub(media_stubs.MediaServiceStub, "media"), shop.vendor_id)


class TestCreateProduct:
    def test_attaches_the_gallery_in_its_order(self, shop: Shop, uploads: Uploads) -> None:
        media_ids = [_image(uploads) for _ in range(3)][::-1]

        product = shop.create(media_ids=media_ids)

        assert list(product.media_ids) == media_ids
        attached = _attachments(shop, product.summary.id)
        assert {str(row.media_id) for row in attached} == set(media_ids)
        assert {(row.entity_type, row.is_protected) for row in attached} == {("product_gallery", False)}

    def test_refuses_files_it_may_not_use_and_leaves_nothing(self, shop: Shop, uploads: Uploads) -> None:
        stranger = Uploads(shop.mesh, uploads.media, uuid.uuid4())
        pending = uploads.presign(kind=Kind.product, mime_type="image/png").media_id
        unusable = [pending, str(uploads.uploaded()), _image(stranger), str(uuid.uuid4())]

        for media_id in unusable:
            with pytest.raises(Refused) as refused:
                shop.create(media_ids=[_image(uploads), media_id])
            assert (refused.value.code, refused.value.reason) == ("INVALID_ARGUMENT", "MEDIA_UNUSABLE")

        assert _products(shop) == []
        assert _attachments_of_store(shop) == []

    def test_asks_to_come_back_while_media_is_away(self, shop: Shop, uploads: Uploads) -> None:
        request, token = shop.request(media_ids=[_image(uploads)]), shop.vendor

        shop.mesh.stop("media")
        with pytest.raises(Refused) as refused:
            shop.mesh.call(shop.products.CreateProduct, request, token=token, key="one")
        shop.mesh.start("media")
        product = _until_answered(shop, request, token)

        assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert [str(row.id) for row in _products(shop)] == [product.summary.id]

    def test_detaches_when_the_sku_is_taken_meanwhile(
        self, shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        galleries = shop.mesh.process("catalog").wiring.servicers[0].implementation.galleries
        attach = galleries.attach

        def be_slow(*args: Any, **kwargs: Any) -> Any:
            attached = attach(*args, **kwargs)
            shop.create(sku="MINE")
            return attached

        monkeypatch.setattr(galleries, "attach", be_slow)
        with pytest.raises(Refused) as refused:
            shop.create(sku="MINE", media_ids=[_image(uploads)])

        assert refused.value.reason == "SKU_TAKEN"
        assert _attachments_of_store(shop) == []
        assert len(_products(shop)) == 1

    def test_goes_on_after_a_crash_between_the_steps(
        self, shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request, token = shop.request(media_ids=[_image(uploads)]), shop.vendor

        monkeypatch.setattr(inventory, "add", _crash)
        with pytest.raises(Refused) as refused:
            shop.mesh.call(shop.products.CreateProduct, request, token=token, key="one")
        monkeypatch.undo()
        attached = _attachments_of_store(shop)
        shop.mesh.clock.advance(FLOW_LEASE + timedelta(seconds=1))
        product, _ = shop.mesh.call(shop.products.CreateProduct, request, token=token, key="one")

        assert refused.value.code == "INTERNAL"
        assert [str(row.entity_id) for row in attached] == [product.summary.id]
        assert _attachments_of_store(shop) == attached
        assert [str(row.id) for row in _products(shop)] == [product.summary.id]


def _image(uploads: Uploads) -> str:
    return str(uploads.uploaded(kind=Kind.product, mime_type="image/png"))


def _products(shop: Shop) -> list[Any]:
    return shop.mesh.rows("catalog", "SELECT * FROM products WHERE store_id = :id", id=shop.vendor_id)


def _attachments(shop: Shop, product_id: str) -> list[Any]:
    sql = "SELECT * FROM media_attachments WHERE entity_id = :id"
    return shop.mesh.rows("media", sql, id=uuid.UUID(product_id))


def _attachments_of_store(shop: Shop) -> list[Any]:
    sql = "SELECT * FROM media_attachments WHERE store_id = :id ORDER BY id"
    return shop.mesh.rows("media", sql, id=shop.vendor_id)


def _until_answered(shop: Shop, request: messages.CreateProductRequest, token: str) -> Any:
    """Repeat the call as a client does; the channel to media needs a moment to connect again."""
    for _ in range(20):
        with suppress(Refused):
            return shop.mesh.call(shop.products.CreateProduct, request, token=token, key="one")[0]
    raise AssertionError("media did not come back")


def _crash(*_: Any, **__: Any) -> None:
    raise RuntimeError("the process dies here")
