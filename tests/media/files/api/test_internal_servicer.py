"""MediaInternalService through its whole interceptor chain."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from marketmesh.media.v1 import media_internal_service_pb2 as messages
from meshkit.db.engine import constraint_of
from meshkit.db.sql import sql
from services.media.files.domain.attachments import PROTECTED
from tests.media.uploads import Kind, Uploads
from tests.support.mesh_harness import MeshHarness, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketmesh.media.v1 import media_internal_service_pb2_grpc as internal_stubs
    from marketmesh.media.v1 import media_service_pb2_grpc as stubs

Entity = messages.AttachmentEntity.Value


@pytest.fixture
def entity_id() -> uuid.UUID:
    return uuid.uuid4()


class TestReconcileAttachments:
    def test_makes_the_set_exactly_the_given_one(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        first, second, third = (uploads.uploaded(kind=Kind.product, mime_type="image/png") for _ in range(3))

        for wanted in ([first, second], [second, third]):
            _reconcile(mesh, internal, uploads, entity_id, wanted)

        rows = _attachments(mesh, entity_id)
        assert {row.media_id for row in rows} == {second, third}
        assert {row.is_protected for row in rows} == {False}

    def test_answers_in_the_order_of_the_request_and_changes_nothing_when_repeated(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        ids = [uploads.uploaded(kind=Kind.product, mime_type="image/png") for _ in range(3)][::-1]

        answers = [_reconcile(mesh, internal, uploads, entity_id, ids) for _ in range(2)]
        before = _attachments(mesh, entity_id)
        _reconcile(mesh, internal, uploads, entity_id, ids)

        assert [item.media_id for item in answers[0].media] == [str(media_id) for media_id in ids]
        assert answers[0].media[0].gcs_key == uploads.row(ids[0]).gcs_key
        assert answers[0] == answers[1]
        assert _attachments(mesh, entity_id) == before

    def test_detaches_everything_with_an_empty_set(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        _reconcile(mesh, internal, uploads, entity_id, [uploads.uploaded(kind=Kind.product, mime_type="image/png")])

        _reconcile(mesh, internal, uploads, entity_id, [])

        assert _attachments(mesh, entity_id) == []

    @pytest.mark.parametrize("entity_type", [value for value in Entity.values() if value])
    def test_protects_files_of_licences_and_ads(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
        entity_type: int,
    ) -> None:
        media_id = uploads.uploaded(kind=Kind.product, mime_type="image/png")

        _reconcile(mesh, internal, uploads, entity_id, [media_id], entity_type=entity_type)

        assert [row.is_protected for row in _attachments(mesh, entity_id)] == [Entity.Name(entity_type) in PROTECTED]

    def test_hides_a_foreign_and_a_missing_file(
        self,
        mesh: MeshHarness,
        media: stubs.MediaServiceStub,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        own = uploads.uploaded(kind=Kind.product, mime_type="image/png")
        foreign = Uploads(mesh, media, uuid.uuid4()).uploaded(kind=Kind.product, mime_type="image/png")

        for bad in (foreign, uuid.uuid4()):
            with pytest.raises(Refused) as refused:
                _reconcile(mesh, internal, uploads, entity_id, [own, bad])
            assert refused.value.code == "NOT_FOUND"

        assert _attachments(mesh, entity_id) == []

    def test_refuses_files_that_may_not_be_used(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        failed = uploads.presign(kind=Kind.product, mime_type="image/png")
        uploads.record(failed, mime_type="text/html")
        pending = uploads.presign(kind=Kind.product, mime_type="image/png")
        cases = {pending.media_id: "pending", failed.media_id: "failed", str(uploads.uploaded()): "uploaded"}

        for media_id, state in cases.items():
            with pytest.raises(Refused) as refused:
                _reconcile(mesh, internal, uploads, entity_id, [uuid.UUID(media_id)])
            assert (refused.value.reason, refused.value.metadata["state"]) == ("MEDIA_NOT_USABLE", state)

        assert _attachments(mesh, entity_id) == []

    def test_keeps_one_of_two_sets_when_two_calls_race(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        sets = [[uploads.uploaded(kind=Kind.product, mime_type="image/png")] for _ in range(4)]
        barrier = threading.Barrier(len(sets))

        def run(wanted: list[uuid.UUID]) -> None:
            barrier.wait()
            _reconcile(mesh, internal, uploads, entity_id, wanted)

        threads = [threading.Thread(target=run, args=(wanted,)) for wanted in sets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [row.media_id for row in _attachments(mesh, entity_id)] in sets

    def test_is_only_for_services(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        with pytest.raises(Refused) as refused:
            mesh.call(internal.ReconcileAttachments, _request(uploads, entity_id, []), token=uploads.token())

        assert refused.value.code == "UNAUTHENTICATED"


class TestAttachedMedia:
    def test_cannot_be_deleted_from_under_its_attachment(
        self,
        mesh: MeshHarness,
        internal: internal_stubs.MediaInternalServiceStub,
        uploads: Uploads,
        entity_id: uuid.UUID,
    ) -> None:
        media_id = uploads.uploaded(kind=Kind.product, mime_type="image/png")
        _reconcile(mesh, internal, uploads, entity_id, [media_id])

        with pytest.raises(IntegrityError) as refused, mesh.transaction("media") as tx:
            tx.execute(sql("DELETE FROM media WHERE id = :id"), {"id": media_id})

        assert constraint_of(refused.value) == "media_attachments_media_id_fk"


def _request(
    uploads: Uploads, entity_id: uuid.UUID, media_ids: Sequence[uuid.UUID], entity_type: int = Entity.product_gallery
) -> messages.ReconcileAttachmentsRequest:
    return messages.ReconcileAttachmentsRequest(
        entity_type=entity_type,
        entity_id=str(entity_id),
        store_id=str(uploads.store_id),
        media_ids=[str(media_id) for media_id in media_ids],
        allowed_kinds=[Kind.product],
    )


def _reconcile(
    mesh: MeshHarness,
    internal: internal_stubs.MediaInternalServiceStub,
    uploads: Uploads,
    entity_id: uuid.UUID,
    media_ids: Sequence[uuid.UUID],
    entity_type: int = Entity.product_gallery,
) -> messages.ReconcileAttachmentsResponse:
    request = _request(uploads, entity_id, media_ids, entity_type)
    answer: messages.ReconcileAttachmentsResponse
    answer, _ = mesh.call(internal.ReconcileAttachments, request, token=mesh.service_token("catalog"))
    return answer


def _attachments(mesh: MeshHarness, entity_id: uuid.UUID) -> list[Any]:
    return mesh.rows("media", "SELECT * FROM media_attachments WHERE entity_id = :id ORDER BY id", id=entity_id)
