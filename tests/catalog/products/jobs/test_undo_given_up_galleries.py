"""A flow about a product's files that nobody goes on with leaves attached what products show, and nothing else."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.catalog.v1 import product_service_pb2 as messages
from marketmesh.media.v1 import media_service_pb2_grpc as media_stubs
from meshkit.errors import DependencyUnavailable, NotFound
from meshkit.given_up import GIVEN_UP_AFTER, GivenUpFlows
from services.catalog.outbound.media_client import MediaClient
from services.catalog.products.jobs.undo_given_up_galleries import given_up_galleries
from tests.media.uploads import Kind, Uploads
from tests.support.mesh_harness import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from marketmesh.catalog.v1 import product_pb2
    from tests.catalog.shop import Shop

HOUR = GIVEN_UP_AFTER + timedelta(seconds=1)


class GivenUpCall:
    """A call that media's part was done for, and whose caller was told 503."""

    def __init__(self, shop: Shop, method: str, request: Message) -> None:
        self.shop, self.method, self.request, self.key = shop, method, request, uuid.uuid4().hex
        self.user_id = uuid.uuid4()

    def call(self) -> Any:
        """Call as the same person, with a fresh token: hours may have passed."""
        stub = getattr(self.shop.products, self.method)
        token = self.shop.mesh.store_token(self.shop.vendor_id, user_id=self.user_id)
        return self.shop.mesh.call(stub, self.request, token=token, key=self.key)[0]

    @property
    def remembered(self) -> int:
        return len(self.shop.mesh.rows("catalog", "SELECT 1 FROM idempotency_keys WHERE key = :key", key=self.key))


@pytest.fixture(autouse=True)
def uploads(shop: Shop) -> Uploads:
    """Return the vendor's files; media runs."""
    return Uploads(shop.mesh, shop.mesh.stub(media_stubs.MediaServiceStub, "media"), shop.vendor_id)


@pytest.fixture
def image(uploads: Uploads) -> Callable[[], str]:
    return lambda: str(uploads.uploaded(kind=Kind.product, mime_type="image/png"))


@pytest.fixture
def sweep(shop: Shop) -> GivenUpFlows:
    process = shop.mesh.process("catalog")
    return given_up_galleries(process.transactions, process.wiring.servicers[0].implementation.galleries)


@pytest.fixture
def give_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Message], GivenUpCall]:
    def call(method: str, request: Message) -> GivenUpCall:
        given_up = GivenUpCall(shop, method, request)
        with monkeypatch.context() as patch:
            for step in ("attach", "detach_all"):
                patch.setattr(MediaClient, step, _losing_the_answer(getattr(MediaClient, step)))
            with pytest.raises(Refused) as refused:
                given_up.call()
        assert refused.value.code == "UNAVAILABLE"
        return given_up

    return call


def _losing_the_answer(step: Callable[..., Any]) -> Callable[..., Any]:
    def lose(*args: Any, **kwargs: Any) -> None:
        step(*args, **kwargs)
        raise DependencyUnavailable("The media service does not answer.", dependency="media")

    return lose


class TestCreation:
    def test_is_undone_after_an_hour_and_its_key_is_free(
        self, shop: Shop, image: Callable[[], str], sweep: GivenUpFlows, give_up: Callable[..., GivenUpCall]
    ) -> None:
        media_id = image()
        given_up = give_up("CreateProduct", shop.request(media_ids=[media_id]))
        attached_before = attached(shop)
        shop.mesh.clock.advance(HOUR)

        sweep.undo_all()

        assert attached_before == {media_id}
        assert (attached(shop), shop.listed(), given_up.remembered) == (set(), [], 0)
        assert list(given_up.call().media_ids) == [media_id]
        assert attached(shop) == {media_id}

    def test_stays_the_callers_for_an_hour(
        self, shop: Shop, image: Callable[[], str], sweep: GivenUpFlows, give_up: Callable[..., GivenUpCall]
    ) -> None:
        media_id = image()
        given_up = give_up("CreateProduct", shop.request(media_ids=[media_id]))
        shop.mesh.clock.advance(GIVEN_UP_AFTER - timedelta(minutes=1))

        sweep.undo_all()

        assert (attached(shop), given_up.remembered) == ({media_id}, 1)
        assert list(given_up.call().media_ids) == [media_id]

    def test_that_was_answered_keeps_its_files(self, shop: Shop, image: Callable[[], str], sweep: GivenUpFlows) -> None:
        media_id = image()
        shop.create(media_ids=[media_id])

        for hours in (2, 21, 2):
            shop.mesh.clock.advance(timedelta(hours=hours))
            sweep.undo_all()

        assert attached(shop) == {media_id}


class TestChange:
    def test_attaches_what_the_product_shows(
        self, shop: Shop, image: Callable[[], str], sweep: GivenUpFlows, give_up: Callable[..., GivenUpCall]
    ) -> None:
        old, new = image(), image()
        product = shop.create(media_ids=[old])
        given_up = give_up("UpdateProduct", changed(product, new))
        attached_before = attached(shop)
        shop.mesh.clock.advance(HOUR)

        sweep.undo_all()

        assert attached_before == {new}
        assert (attached(shop), shown(shop, product), given_up.remembered) == ({old}, [old], 0)

    def test_detaches_from_a_product_that_shows_nothing(
        self, shop: Shop, image: Callable[[], str], sweep: GivenUpFlows, give_up: Callable[..., GivenUpCall]
    ) -> None:
        product = shop.create()
        give_up("UpdateProduct", changed(product, image()))
        shop.mesh.clock.advance(HOUR)

        sweep.undo_all()

        assert attached(shop) == set()

    def test_leaves_alone_what_somebody_else_changed_since(
        self, shop: Shop, image: Callable[[], str], sweep: GivenUpFlows, give_up: Callable[..., GivenUpCall]
    ) -> None:
        product = shop.create()
        given_up, newest = give_up("UpdateProduct", changed(product, image())), image()
        shop.mesh.write(shop.products.UpdateProduct, changed(product, newest), token=shop.vendor)
        shop.mesh.clock.advance(HOUR)

        sweep.undo_all()

        assert (attached(shop), shown(shop, product), given_up.remembered) == ({newest}, [newest], 0)

    def test_does_not_overwrite_who_sets_out_at_that_moment(
        self,
        shop: Shop,
        image: Callable[[], str],
        sweep: GivenUpFlows,
        give_up: Callable[..., GivenUpCall],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        old, new, newest = image(), image(), image()
        product = shop.create(media_ids=[old])
        give_up("UpdateProduct", changed(product, new))
        shop.mesh.clock.advance(HOUR)
        attach = MediaClient.attach

        def be_slow(self: MediaClient, *args: Any, **kwargs: Any) -> Any:
            monkeypatch.setattr(MediaClient, "attach", attach)
            shop.mesh.write(shop.products.UpdateProduct, changed(product, newest), token=shop.vendor)
            return attach(self, *args, **kwargs)

        monkeypatch.setattr(MediaClient, "attach", be_slow)
        sweep.undo_all()

        assert (attached(shop), shown(shop, product)) == ({newest}, [newest])


class TestDeletion:
    def test_is_finished(
        self, shop: Shop, image: Callable[[], str], sweep: GivenUpFlows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        product = shop.create(title="Gone", media_ids=[image()])
        given_up = GivenUpCall(shop, "DeleteProduct", messages.DeleteProductRequest(product_id=product.summary.id))
        with monkeypatch.context() as patch:
            patch.setattr(MediaClient, "detach_all", _away)
            with pytest.raises(Refused):
                given_up.call()
        attached_before = attached(shop)
        shop.mesh.clock.advance(HOUR)

        sweep.undo_all()
        sweep.undo_all()

        assert len(attached_before) == 1
        assert (attached(shop), given_up.remembered, shop.listed()) == (set(), 0, [])
        kept = shop.mesh.rows("catalog", "SELECT 1 FROM product_media WHERE product_id = :id", id=product.summary.id)
        assert kept == []
        sql = "SELECT * FROM audit_log WHERE target = :id AND action = 'product.delete'"
        rows = shop.mesh.rows("catalog", sql, id=product.summary.id)
        assert [(row.before["title"], row.after) for row in rows] == [("Gone", {"deleted": True})]


class TestAll:
    def test_wait_while_media_is_away(
        self,
        shop: Shop,
        image: Callable[[], str],
        sweep: GivenUpFlows,
        give_up: Callable[..., GivenUpCall],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        given_up = give_up("CreateProduct", shop.request(media_ids=[image()]))
        shop.mesh.clock.advance(HOUR)
        with monkeypatch.context() as patch:
            patch.setattr(MediaClient, "detach_all", _away)
            with pytest.raises(DependencyUnavailable):
                sweep.undo_all()
        with pytest.raises(Refused) as refused:
            given_up.call()

        sweep.undo_all()

        assert refused.value.reason == "IDEMPOTENCY_IN_PROGRESS"
        assert (attached(shop), given_up.remembered) == (set(), 0)

    def test_are_undone_although_one_cannot_be(
        self,
        shop: Shop,
        image: Callable[[], str],
        sweep: GivenUpFlows,
        give_up: Callable[..., GivenUpCall],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        old = image()
        product = shop.create(media_ids=[old])
        stuck, other = give_up("UpdateProduct", changed(product, image())), shop.create()
        undone = give_up("UpdateProduct", changed(other, image()))
        shop.mesh.clock.advance(HOUR)
        attach = MediaClient.attach

        def refuse_one(self: MediaClient, call: Any, *, product_id: uuid.UUID, **others: Any) -> Any:
            return (_refuse if str(product_id) == product.summary.id else attach)(
                self, call, product_id=product_id, **others
            )

        with monkeypatch.context() as patch:
            patch.setattr(MediaClient, "attach", refuse_one)
            sweep.undo_all()

        assert (stuck.remembered, undone.remembered) == (1, 0)
        sweep.undo_all()
        assert (stuck.remembered, attached(shop)) == (0, {old})


def _away(*_: Any, **__: Any) -> None:
    raise DependencyUnavailable("The media service does not answer.", dependency="media")


def _refuse(*_: Any, **__: Any) -> None:
    raise NotFound


def changed(product: product_pb2.Product, media_id: str) -> messages.UpdateProductRequest:
    return messages.UpdateProductRequest(product_id=product.summary.id, gallery={"media_ids": [media_id]})


def shown(shop: Shop, product: product_pb2.Product) -> list[str]:
    request = messages.GetProductRequest(product_id=product.summary.id)
    return list(shop.mesh.read(shop.products.GetProduct, request, token=shop.vendor).media_ids)


def attached(shop: Shop) -> set[str]:
    rows = shop.mesh.rows("media", "SELECT media_id FROM media_attachments WHERE store_id = :id", id=shop.vendor_id)
    return {str(row.media_id) for row in rows}
