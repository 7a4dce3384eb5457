"""A store's logo: in identity, in media, and whatever comes between them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.identity.events.v1 import identity_events_pb2 as events
from marketmesh.identity.v1 import store_pb2, store_service_pb2_grpc
from marketmesh.identity.v1 import store_service_pb2 as messages
from meshkit.call import Call
from meshkit.errors import DependencyUnavailable
from meshkit.given_up import GIVEN_UP_AFTER
from services.identity.outbound.media_client import MediaClient
from services.identity.stores.data import stores as stores_data
from services.identity.stores.flows.restore_logo import restore_logo
from services.identity.stores.jobs.undo_given_up_logos import given_up_logos
from tests.identity.people import People, Store
from tests.media.uploads import Kind
from tests.support.mesh_harness import MeshHarness, Refused


class Shopkeeper:
    """A store's owner with images, and what the world sees of the store."""

    def __init__(self, mesh: MeshHarness, people: People) -> None:
        self.mesh, self.people, self.store = mesh, people, people.store()
        self.client = mesh.stub(store_service_pb2_grpc.StoreServiceStub, "identity")
        self.files = people.uploads(self.store)

    def image(self) -> str:
        return str(self.files.uploaded(kind=Kind.store, mime_type="image/png"))

    def show(self, media_id: str, *, token: str = "", key: str = "") -> store_pb2.Store:
        request = messages.SetStoreLogoRequest(media_id=media_id)
        answer: store_pb2.Store = self.mesh.call(
            self.client.SetStoreLogo, request, token=token or self.token, key=key or uuid.uuid4().hex
        )[0]
        return answer

    def remove(self) -> store_pb2.Store:
        answer: store_pb2.Store = self.mesh.write(
            self.client.RemoveStoreLogo, messages.RemoveStoreLogoRequest(), token=self.token
        )
        return answer

    @property
    def token(self) -> str:
        """A fresh one: hours may have passed."""
        return self.mesh.store_token(self.store.id, user_id=self.store.user_id)

    @property
    def own(self) -> store_pb2.Store:
        answer: store_pb2.Store = self.mesh.read(self.client.GetMyStore, messages.GetMyStoreRequest(), token=self.token)
        return answer

    def seen_by(self, other: Store) -> store_pb2.PublicStore:
        request = messages.GetStoreRequest(store_id=str(self.store.id))
        answer: store_pb2.PublicStore = self.mesh.read(self.client.GetStore, request, token=other.token)
        return answer

    @property
    def attached(self) -> list[tuple[str, str, bool]]:
        rows = self.people.attachments(self.store)
        return [(str(row.media_id), row.entity_type, row.is_protected) for row in rows]

    @property
    def announced(self) -> list[tuple[int, str]]:
        found = self.mesh.events("identity", events.StoreGateChanged)
        return [(event.version, event.logo_media_id) for event in found if event.store_id == str(self.store.id)]


@pytest.fixture
def keeper(mesh: MeshHarness, people: People) -> Shopkeeper:
    mesh.start("media")
    return Shopkeeper(mesh, people)


def logo(media_id: str) -> list[tuple[str, str, bool]]:
    return [(media_id, "store_logo", False)]


def refused(call: Any, *args: Any, **options: Any) -> Refused:
    with pytest.raises(Refused) as refusal:
        call(*args, **options)
    return refusal.value


class TestSetStoreLogo:
    def test_everybody_sees_the_one_and_then_the_other_and_then_none(self, people: People, keeper: Shopkeeper) -> None:
        first, second, other = keeper.image(), keeper.image(), people.store(store_type="buyer")

        assert keeper.show(first).logo_media_id == first
        assert keeper.attached == logo(first)
        assert keeper.show(second).logo_media_id == second
        assert keeper.attached == logo(second)

        own, seen = keeper.own, keeper.seen_by(other)
        assert (own.logo_media_id, seen.logo_media_id) == (second, second)
        assert f"{second}.png" in own.logo_url
        assert f"{second}.png" in seen.logo_url
        assert keeper.remove().logo_media_id == ""
        own, seen = keeper.own, keeper.seen_by(other)
        assert (own.logo_media_id, own.logo_url, seen.logo_media_id, seen.logo_url) == ("", "", "", "")
        assert keeper.attached == []

    def test_tells_the_mesh_what_changed_once(self, people: People, keeper: Shopkeeper) -> None:
        image, before = keeper.image(), keeper.announced

        keeper.show(image)
        keeper.show(image)
        keeper.remove()
        keeper.remove()

        assert keeper.announced == [*before, (2, image), (3, "")]
        audited = [people.audited(action, keeper.store.id)[0] for action in ("store.set_logo", "store.remove_logo")]
        assert [(row.before, row.after) for row in audited] == [
            ({"logo_media_id": None}, {"logo_media_id": image}),
            ({"logo_media_id": image}, {"logo_media_id": None}),
        ]

    def test_answers_a_foreign_file_as_a_missing_one(self, people: People, keeper: Shopkeeper) -> None:
        image, other = keeper.image(), people.store()
        keeper.show(image)
        foreign = str(people.uploads(other).uploaded(kind=Kind.store, mime_type="image/png"))

        refusals = [refused(keeper.show, media_id) for media_id in (foreign, str(uuid.uuid4()))]

        assert [refusal.code for refusal in refusals] == ["NOT_FOUND", "NOT_FOUND"]
        assert refusals[0].status.SerializeToString() == refusals[1].status.SerializeToString()
        assert (keeper.own.logo_media_id, keeper.attached, people.attachments(other)) == (image, logo(image), [])

    def test_refuses_what_is_no_uploaded_image_of_a_store(self, keeper: Shopkeeper) -> None:
        document = str(keeper.files.uploaded(kind=Kind.license_doc))
        pending = keeper.files.presign(kind=Kind.store, mime_type="image/png").media_id

        refusals = [refused(keeper.show, media_id) for media_id in (document, pending)]

        assert [(refusal.reason, refusal.metadata["state"]) for refusal in refusals] == [
            ("MEDIA_UNUSABLE", "uploaded"),
            ("MEDIA_UNUSABLE", "pending"),
        ]
        assert (keeper.own.logo_media_id, keeper.attached) == ("", [])

    @pytest.mark.parametrize("role", ["admin", "viewer", "staff", "ops"])
    def test_is_for_owners_and_managers(self, mesh: MeshHarness, keeper: Shopkeeper, role: str) -> None:
        image = keeper.image()

        manager = mesh.store_token(keeper.store.id, role="manager")
        other = mesh.store_token(keeper.store.id, role=role)

        assert refused(keeper.show, image, token=other).reason == "FORBIDDEN"
        assert keeper.show(image, token=manager).logo_media_id == image

    def test_a_profile_can_be_read_while_media_is_away(self, mesh: MeshHarness, keeper: Shopkeeper) -> None:
        image = keeper.image()
        keeper.show(image)
        mesh.stop("media")
        try:
            own = keeper.own
        finally:
            mesh.start("media")

        assert (own.logo_media_id, own.logo_url) == (image, "")


class TestTwoAtOnce:
    def test_only_the_last_to_set_out_records_and_that_is_attached(
        self, keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = keeper.image(), keeper.image()
        attach, calls = MediaClient.attach_logo, iter(range(9))

        def overtaken(self: MediaClient, call: Call, **arguments: Any) -> None:
            if next(calls) == 0:
                keeper.show(second)
            attach(self, call, **arguments)

        monkeypatch.setattr(MediaClient, "attach_logo", overtaken)

        assert refused(keeper.show, first).reason == "STATE_CONFLICT"
        assert (keeper.own.logo_media_id, keeper.attached) == (second, logo(second))

    def test_who_puts_right_lets_nobody_record_what_he_replaced(self, mesh: MeshHarness, keeper: Shopkeeper) -> None:
        shown, late, half_way = keeper.image(), keeper.image(), uuid.uuid4()
        keeper.show(shown)
        logos = _logos(mesh)
        with mesh.transaction("identity") as tx:
            stores_data.claim_logo(tx, keeper.store.id, flow_id=half_way)
        logos.attach_logo(Call(), store_id=keeper.store.id, media_id=uuid.UUID(late))

        restore_logo(_transactions(mesh), Call(), store_id=keeper.store.id, flow_id=uuid.uuid4(), logos=logos)

        assert keeper.attached == logo(shown)
        (row,) = mesh.rows("identity", "SELECT logo_flow FROM stores WHERE id = :id", id=keeper.store.id)
        assert row.logo_flow != half_way


class TestGivenUp:
    @pytest.mark.parametrize("before", [True, False])
    def test_leaves_attached_what_the_store_shows(
        self, mesh: MeshHarness, keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch, *, before: bool
    ) -> None:
        shown, lost, key = keeper.image(), keeper.image(), uuid.uuid4().hex
        if before:
            keeper.show(shown)
        attach = MediaClient.attach_logo

        def lose_the_answer(self: MediaClient, call: Call, **arguments: Any) -> None:
            attach(self, call, **arguments)
            raise DependencyUnavailable("The media service does not answer.", dependency="media")

        with monkeypatch.context() as patch:
            patch.setattr(MediaClient, "attach_logo", lose_the_answer)
            assert refused(keeper.show, lost, key=key).code == "UNAVAILABLE"
        attached_before = keeper.attached
        mesh.clock.advance(GIVEN_UP_AFTER + timedelta(seconds=1))

        given_up_logos(_transactions(mesh), _logos(mesh)).undo_all()

        assert attached_before == logo(lost)
        assert keeper.attached == (logo(shown) if before else [])
        assert mesh.rows("identity", "SELECT 1 FROM idempotency_keys WHERE key = :key", key=key) == []

    def test_leaves_alone_what_was_shown_since(
        self, mesh: MeshHarness, keeper: Shopkeeper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lost, later = keeper.image(), keeper.image()
        with monkeypatch.context() as patch:
            patch.setattr(MediaClient, "attach_logo", _unreachable)
            refused(keeper.show, lost)
        keeper.show(later)
        mesh.clock.advance(GIVEN_UP_AFTER + timedelta(seconds=1))

        given_up_logos(_transactions(mesh), _logos(mesh)).undo_all()

        assert (keeper.own.logo_media_id, keeper.attached) == (later, logo(later))


def _unreachable(*_: Any, **__: Any) -> None:
    raise DependencyUnavailable("The media service does not answer.", dependency="media")


def _transactions(mesh: MeshHarness) -> Any:
    return mesh.process("identity").transactions


def _logos(mesh: MeshHarness) -> Any:
    return mesh.process("identity").wiring.servicers[1].implementation.logos
