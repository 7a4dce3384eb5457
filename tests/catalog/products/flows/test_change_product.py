"""Changing and deleting a product: in catalog, in media, and whatever fails between them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as internal
from marketmesh.catalog.v1 import inventory_service_pb2 as inventory
from marketmesh.catalog.v1 import product_service_pb2 as messages
from marketmesh.media.v1 import media_service_pb2_grpc as media_stubs
from meshkit.idempotency import FLOW_LEASE
from services.catalog.products.data import product_changes
from tests.catalog.shop import Checkout
from tests.media.uploads import Kind, Uploads
from tests.support.mesh_harness import Refused, as_dict

if TYPE_CHECKING:
    from marketmesh.catalog.v1 import product_pb2
    from tests.catalog.shop import Shop


@pytest.fixture(autouse=True)
def uploads(shop: Shop) -> Uploads:
    """Return the vendor's files; media runs."""
    return Uploads(shop.mesh, shop.mesh.stub(media_stubs.MediaServiceStub, "media"), shop.vendor_id)


class TestUpdateProduct:
    def test_changes_what_is_given_and_nothing_else(self, shop: Shop) -> None:
        product = shop.create(
            strain="Haze", classification="hybrid", thc_percent="18", moq=2, max_qty=9,
            volume_discounts=[{"min_qty": 5, "discount_percent": "1"}],
        )  # fmt: skip
        shop.mesh.clock.advance(timedelta(seconds=1))

        changed = _update(shop, product, title="Red Dream", price_cents=0, is_active=False, flavors=["pine"])

        wanted = as_dict(product)
        wanted["summary"] |= {"title": "Red Dream", "price_cents": "0", "is_active": False}
        wanted["summary"]["updated_at"] = as_dict(changed)["summary"]["updated_at"]
        assert as_dict(changed) == wanted | {"flavors": ["pine"]}
        assert changed.summary.updated_at != product.summary.updated_at

    def test_takes_away_what_may_be_missing(self, shop: Shop) -> None:
        product = shop.create(subtitle="x", strain="Haze", classification="hybrid", thc_percent="18", max_qty=9)

        changed = _update(
            shop, product, subtitle="", strain="", classification="unspecified", thc_percent="", max_qty=0
        )

        summary = changed.summary
        assert (summary.subtitle, changed.strain, summary.classification) == ("", "", 0)
        assert (summary.thc_percent, summary.max_qty) == ("", 0)

    def test_takes_what_creating_takes(self) -> None:
        """From the contracts; lists that are replaced as a whole come in a message that says so."""
        created, updated = (
            {field.name for field in message.DESCRIPTOR.fields}
            for message in (messages.CreateProductRequest, messages.UpdateProductRequest)
        )

        assert created - updated == {"media_ids"}
        assert updated - created == {"product_id", "gallery"}

    def test_marks_the_goods(self, shop: Shop) -> None:
        marks = {"batch_id": "B-7", "metric_tag": "1A40", "barcode": "4006381333931", "packaging_type": "jar"}
        product = shop.create(**marks)

        changed = as_dict(_update(shop, product, batch_id="B-8", barcode=""))

        assert {name: as_dict(product)[name] for name in marks} == marks
        assert {name: changed[name] for name in marks} == marks | {"batch_id": "B-8", "barcode": ""}

    def test_sets_the_stock_it_is_given_and_no_other(self, shop: Shop) -> None:
        product = shop.create(available=10)
        product_id = uuid.UUID(product.summary.id)
        shop.reserve(Checkout.of((product_id, 3)))

        warned = _update(shop, product, inventory={"low_stock_threshold": 4}).summary.inventory
        stocked = _update(shop, product, inventory={"available_qty": 0}, title="Red Dream").summary

        assert (warned.available_qty, warned.reserved_qty, warned.low_stock_threshold) == (7, 3, 4)
        assert (stocked.inventory.available_qty, stocked.inventory.reserved_qty) == (0, 3)
        assert (stocked.title, stocked.inventory.low_stock_threshold) == ("Red Dream", 4)
        rows = shop.mesh.rows(
            "catalog",
            "SELECT * FROM audit_log WHERE target = :id AND action = 'product.update' ORDER BY seq DESC LIMIT 1",
            id=str(product_id),
        )
        assert [(row.before["title"], row.after["title"], row.after["available_qty"]) for row in rows] == [
            ("Blue Dream", "Red Dream", 0)
        ]

    def test_refuses_a_stock_that_says_nothing(self, shop: Shop) -> None:
        refused = _refusal(shop, shop.create(), title="New", inventory={})

        (violation,) = refused.violations
        assert (refused.code, violation.field) == ("INVALID_ARGUMENT", "inventory")
        assert "available_qty" in violation.description
        assert "low_stock_threshold" in violation.description
        assert shop.listed() == ["Blue Dream"]

    def test_replaces_tiers_as_a_whole(self, shop: Shop) -> None:
        product = shop.create(volume_discounts=[{"min_qty": 5, "discount_percent": "1"}])

        changed = _update(shop, product, volume_discounts={"items": [{"min_qty": 9, "discount_percent": "2.5"}]})
        emptied = _update(shop, product, volume_discounts={})

        assert [(tier.min_qty, tier.discount_percent) for tier in changed.volume_discounts] == [(9, "2.5")]
        assert list(emptied.volume_discounts) == []

    def test_is_found_by_its_new_words_only(self, shop: Shop) -> None:
        product = shop.create(title="Unripe Banana")

        _update(shop, product, title="Purple Fig")

        assert shop.listed(q="purple fig") == ["Purple Fig"]
        assert shop.listed(q="banana") == []

    def test_audits_exactly_what_changed(self, shop: Shop) -> None:
        product = shop.create(title="Old", volume_discounts=[{"min_qty": 5, "discount_percent": "1"}])

        _update(shop, product, title="New", price_cents=product.summary.price_cents, volume_discounts={})

        sql = "SELECT * FROM audit_log WHERE target = :id AND action = 'product.update'"
        rows = shop.mesh.rows("catalog", sql, id=product.summary.id)
        assert [(row.before, row.after) for row in rows] == [
            ({"title": "Old", "volume_discounts": {"5": "1"}}, {"title": "New", "volume_discounts": {}})
        ]

    def test_replaces_the_gallery_in_both_places(self, shop: Shop, uploads: Uploads) -> None:
        old, kept, new = (_image(uploads) for _ in range(3))
        product = shop.create(media_ids=[old, kept])

        changed = _update(shop, product, gallery={"media_ids": [new, kept]})

        assert list(changed.media_ids) == [new, kept]
        assert _attached(shop) == {new, kept}
        assert list(_update(shop, product, gallery={}).media_ids) == []
        assert _attached(shop) == set()

    def test_refuses_files_it_may_not_use_and_changes_nothing(self, shop: Shop, uploads: Uploads) -> None:
        mine = _image(uploads)
        product = _read(shop, shop.create(media_ids=[mine]))
        foreign = _image(Uploads(shop.mesh, uploads.media, uuid.uuid4()))

        refused = _refusal(shop, product, title="New", gallery={"media_ids": [foreign]})

        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "MEDIA_UNUSABLE")
        assert _without_urls(_read(shop, product)) == _without_urls(product)
        assert _attached(shop) == {mine}

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"moq": 10}, "max_qty"),
            ({"max_qty": 1}, "max_qty"),
            ({"moq": 0}, "moq"),
            ({"sku": ""}, "sku"),
            ({"price_cents": -1}, "price_cents"),
            ({"price_cents": 2**63 - 1}, "price_cents"),
            ({"category": "unspecified"}, "category"),
            ({"thc_percent": "7.555"}, "thc_percent"),
            ({"volume_discounts": {"items": [{"min_qty": 2, "discount_percent": "1"}] * 2}}, "volume_discounts"),
        ],
    )
    def test_names_what_is_wrong_and_changes_nothing(self, shop: Shop, change: dict[str, Any], field: str) -> None:
        product = shop.create(moq=2, max_qty=9)

        refused = _refusal(shop, product, title="New", **change)

        assert (refused.code, refused.violations[0].field) == ("INVALID_ARGUMENT", field)
        assert _read(shop, product) == product

    @pytest.mark.parametrize("more", [{}, {"gallery": {}}])
    def test_refuses_another_products_sku(self, shop: Shop, more: dict[str, Any]) -> None:
        shop.create(sku="MINE")
        product = shop.create()

        assert _refusal(shop, product, sku="MINE", **more).reason == "SKU_TAKEN"
        assert _update(shop, product, sku=product.summary.sku, **more) == product

    @pytest.mark.parametrize("more", [{}, {"gallery": {}}])
    def test_leaves_a_twin_of_before_its_spelling(self, shop: Shop, more: dict[str, Any]) -> None:
        product = shop.create(sku="OLD")
        shop.spell("OLD", as_before="\uff221")
        twin = shop.create(sku="B1")

        changed = _update(shop, product, sku="\uff221", title="Changed", **more)

        assert (changed.summary.sku, changed.summary.title) == ("\uff221", "Changed")
        assert _read(shop, twin) == twin
        _delete(shop, twin.summary.id)
        assert _update(shop, product, sku="\uff221", **more).summary.sku == "B1"

    def test_shows_the_old_files_when_another_took_the_sku_meanwhile(
        self, shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, new = _image(uploads), _image(uploads)
        product = shop.create(media_ids=[old])
        _after_attach(shop, monkeypatch, lambda: shop.create(sku="MINE"))

        refused = _refusal(shop, product, sku="MINE", gallery={"media_ids": [new]})

        assert refused.reason == "SKU_TAKEN"
        assert list(_read(shop, product).media_ids) == [old]
        assert _attached(shop) == {old}

    def test_lets_the_later_of_two_galleries_stand(
        self, shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = _image(uploads), _image(uploads)
        product = shop.create()
        _after_attach(shop, monkeypatch, lambda: _update(shop, product, gallery={"media_ids": [second]}))

        refused = _refusal(shop, product, gallery={"media_ids": [first]})

        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "STATE_CONFLICT")
        assert list(_read(shop, product).media_ids) == [second]
        assert _attached(shop) == {second}

    def test_attaches_nothing_to_a_product_that_is_deleted_meanwhile(
        self, shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        product = shop.create()
        _after_attach(shop, monkeypatch, lambda: _delete(shop, product.summary.id))

        assert _refusal(shop, product, gallery={"media_ids": [_image(uploads)]}).code == "NOT_FOUND"
        assert _attached(shop) == set()

    def test_goes_on_after_a_crash_between_the_steps(
        self, shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        product, new, token = shop.create(), _image(uploads), shop.vendor
        request = messages.UpdateProductRequest(product_id=product.summary.id, gallery={"media_ids": [new]})

        monkeypatch.setattr(product_changes, "remove_media", _crash)
        with pytest.raises(Refused) as refused:
            shop.mesh.call(shop.products.UpdateProduct, request, token=token, key="one")
        monkeypatch.undo()
        shop.mesh.clock.advance(FLOW_LEASE + timedelta(seconds=1))
        changed, _ = shop.mesh.call(shop.products.UpdateProduct, request, token=token, key="one")

        assert refused.value.code == "INTERNAL"
        assert list(changed.media_ids) == [new]
        assert _attached(shop) == {new}


class TestDeleteProduct:
    def test_is_gone_everywhere(self, shop: Shop) -> None:
        product = shop.create(available=10)
        foreign = _read_refusal(shop, str(uuid.uuid4()))

        _delete(shop, product.summary.id)

        assert _read_refusal(shop, product.summary.id).status == foreign.status
        assert shop.listed() == []
        own = shop.mesh.read(shop.products.ListVendorProducts, messages.ListProductsRequest(), token=shop.vendor)
        assert list(own.items) == []
        stock = shop.mesh.read(shop.stock.ListInventory, inventory.ListInventoryRequest(), token=shop.vendor)
        assert list(stock.items) == []
        facts = internal.GetQuoteFactsRequest(product_ids=[product.summary.id])
        quoted = shop.mesh.read(shop.internal.GetQuoteFacts, facts, token=shop.mesh.service_token())
        assert list(quoted.products) == []
        for method, request in _writes(shop, product.summary.id):
            with pytest.raises(Refused) as refused:
                shop.mesh.write(method, request, token=shop.vendor)
            assert refused.value.status == foreign.status

    def test_sells_nothing_any_more_and_lets_orders_keep_theirs(self, shop: Shop) -> None:
        product = shop.product(available=10)
        delivered, rejected, late = (Checkout.of((product, number)) for number in (2, 3, 4))
        shop.reserve(delivered)
        shop.reserve(rejected)

        _delete(shop, str(product))
        answer = shop.reserve(late)
        shop.mesh.deliver("catalog", delivered.created())
        shop.mesh.deliver("catalog", delivered.changed("delivered"))
        shop.mesh.deliver("catalog", rejected.decided("rejected", ["rejected"]))

        assert [line.reason for line in answer.lines] == ["not_available"]
        assert shop.inventory(product) == (8, 0, 2, 10)

    def test_detaches_its_files(self, shop: Shop, uploads: Uploads) -> None:
        product = shop.create(media_ids=[_image(uploads)])

        _delete(shop, product.summary.id)

        assert _attached(shop) == set()

    def test_frees_its_sku(self, shop: Shop) -> None:
        first = shop.create(sku="AGAIN")

        _delete(shop, first.summary.id)
        second = shop.create(sku="AGAIN")
        _delete(shop, second.summary.id)

        assert shop.create(sku="AGAIN").summary.id not in {first.summary.id, second.summary.id}

    def test_answers_no_content_and_repeats_with_its_key(self, shop: Shop) -> None:
        request, token = messages.DeleteProductRequest(product_id=str(shop.product())), shop.vendor

        first, headers = shop.mesh.call(shop.products.DeleteProduct, request, token=token, key="one")
        again, repeated = shop.mesh.call(shop.products.DeleteProduct, request, token=token, key="one")

        assert first == again
        assert (headers["x-http-status"], repeated["x-idempotent-replay"]) == ("204", "true")

    def test_audits_what_was_there(self, shop: Shop, uploads: Uploads) -> None:
        picture, coa = _image(uploads), str(uploads.uploaded(kind=Kind.coa))
        product = shop.create(title="Gone", price_cents=700, media_ids=[picture], coa_media_id=coa)

        _delete(shop, product.summary.id)

        sql = "SELECT * FROM audit_log WHERE target = :id AND action = 'product.delete'"
        rows = shop.mesh.rows("catalog", sql, id=product.summary.id)
        assert [(row.before["title"], row.before["price_cents"], row.after) for row in rows] == [
            ("Gone", 700, {"deleted": True})
        ]
        assert (rows[0].before["media_ids"], rows[0].before["coa_media_id"]) == ([picture], coa)

    def test_goes_on_after_a_crash_between_the_steps(
        self, shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        product, token = shop.create(media_ids=[_image(uploads)]), shop.vendor
        request = messages.DeleteProductRequest(product_id=product.summary.id)

        monkeypatch.setattr(product_changes, "remove_media", _crash)
        with pytest.raises(Refused) as refused:
            shop.mesh.call(shop.products.DeleteProduct, request, token=token, key="one")
        monkeypatch.undo()
        assert shop.listed() == []
        shop.mesh.clock.advance(FLOW_LEASE + timedelta(seconds=1))
        shop.mesh.call(shop.products.DeleteProduct, request, token=token, key="one")

        assert refused.value.code == "INTERNAL"
        assert _attached(shop) == set()
        assert (
            shop.mesh.rows("catalog", "SELECT 1 FROM product_media WHERE product_id = :id", id=product.summary.id) == []
        )


def _writes(shop: Shop, product_id: str) -> list[tuple[Any, Any]]:
    return [
        (shop.products.UpdateProduct, messages.UpdateProductRequest(product_id=product_id, title="x")),
        (shop.products.UpdateProduct, messages.UpdateProductRequest(product_id=product_id, gallery={})),
        (shop.products.DeleteProduct, messages.DeleteProductRequest(product_id=product_id)),
        (shop.products.SetInventory, messages.SetInventoryRequest(product_id=product_id, available_qty=1)),
        (shop.stock.ReceiveStock, inventory.ReceiveStockRequest(product_id=product_id, quantity=1)),
        (shop.stock.ListStockMovements, inventory.ListStockMovementsRequest(product_id=product_id)),
    ]


def _update(shop: Shop, product: product_pb2.Product, **changes: Any) -> product_pb2.Product:
    request = messages.UpdateProductRequest(product_id=product.summary.id, **changes)
    answer: product_pb2.Product = shop.mesh.write(shop.products.UpdateProduct, request, token=shop.vendor)
    return answer


def _refusal(shop: Shop, product: product_pb2.Product, **changes: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        _update(shop, product, **changes)
    return refused.value


def _delete(shop: Shop, product_id: str) -> None:
    request = messages.DeleteProductRequest(product_id=product_id)
    shop.mesh.write(shop.products.DeleteProduct, request, token=shop.vendor)


def _read(shop: Shop, product: product_pb2.Product) -> product_pb2.Product:
    request = messages.GetProductRequest(product_id=product.summary.id)
    answer: product_pb2.Product = shop.mesh.read(shop.products.GetProduct, request, token=shop.vendor)
    return answer


def _without_urls(product: product_pb2.Product) -> product_pb2.Product:
    """Return it without signed URLs, which are others each second."""
    product.summary.ClearField("thumbnail_url")
    for picture in product.media:
        picture.ClearField("url")
    return product


def _read_refusal(shop: Shop, product_id: str) -> Refused:
    with pytest.raises(Refused) as refused:
        shop.mesh.read(shop.products.GetProduct, messages.GetProductRequest(product_id=product_id), token=shop.vendor)
    return refused.value


def _image(uploads: Uploads) -> str:
    return str(uploads.uploaded(kind=Kind.product, mime_type="image/png"))


def _attached(shop: Shop) -> set[str]:
    sql = "SELECT media_id FROM media_attachments WHERE store_id = :id"
    return {str(row.media_id) for row in shop.mesh.rows("media", sql, id=shop.vendor_id)}


def _after_attach(shop: Shop, monkeypatch: pytest.MonkeyPatch, then: Any) -> None:
    """Let something happen once, right after the next files are attached."""
    galleries = shop.mesh.process("catalog").wiring.servicers[0].implementation.galleries
    attach = galleries.attach

    def be_slow(*args: Any, **kwargs: Any) -> Any:
        attached = attach(*args, **kwargs)
        monkeypatch.setattr(galleries, "attach", attach)
        then()
        return attached

    monkeypatch.setattr(galleries, "attach", be_slow)


def _crash(*_: Any, **__: Any) -> None:
    raise RuntimeError("the process dies here")
