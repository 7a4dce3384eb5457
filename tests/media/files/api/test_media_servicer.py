"""MediaService through its whole interceptor chain, with a real object store."""

from __future__ import annotations

import urllib.request
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marketmesh.media.v1 import media_service_pb2 as messages
from tests.media.uploads import PDF, Kind, Uploads
from tests.support.mesh_harness import MeshHarness, Refused, as_dict

if TYPE_CHECKING:
    from marketmesh.media.v1 import media_service_pb2_grpc as stubs

Status = messages.MediaStatus.Value


class TestPresignUpload:
    def test_writes_the_row_before_it_answers_the_url(self, mesh: MeshHarness, uploads: Uploads) -> None:
        upload = uploads.presign()

        row = uploads.row(upload.media_id)
        assert upload.gcs_key == f"{uploads.store_id}/license_doc/{upload.media_id}.pdf"
        assert upload.content_type == "application/pdf"
        assert upload.expires_at.ToDatetime(mesh.clock.now().tzinfo) == mesh.clock.now() + timedelta(minutes=30)
        assert (row.status, row.kind, row.mime_type, row.size_bytes) == (
            "pending", "license_doc", "application/pdf", len(PDF),
        )  # fmt: skip
        assert (row.gcs_key, row.store_id, row.file_name) == (upload.gcs_key, uploads.store_id, "My Licence.PDF")

    @pytest.mark.parametrize(
        ("kind", "mime_type"),
        [
            (Kind.coa, "image/png"),
            (Kind.user, "video/mp4"),
            (Kind.product, "application/pdf"),
            (Kind.other, "text/html"),
        ],
    )
    def test_refuses_a_type_the_kind_does_not_allow(
        self, mesh: MeshHarness, uploads: Uploads, kind: int, mime_type: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            uploads.presign(kind=kind, mime_type=mime_type)

        assert (refused.value.code, refused.value.violations[0].field) == ("INVALID_ARGUMENT", "mime_type")
        assert not mesh.rows("media", "SELECT 1 FROM media WHERE store_id = :s", s=uploads.store_id)

    @pytest.mark.parametrize("size_bytes", [0, 20 * 1024 * 1024 + 1])
    def test_refuses_a_size_out_of_bounds(self, uploads: Uploads, size_bytes: int) -> None:
        with pytest.raises(Refused) as refused:
            uploads.presign(size_bytes=size_bytes)

        assert refused.value.violations[0].field == "size_bytes"

    def test_is_not_for_viewers(self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads) -> None:
        with pytest.raises(Refused) as refused:
            mesh.write(media.PresignUpload, _presign_request(), token=uploads.token("viewer"))

        assert refused.value.code == "PERMISSION_DENIED"

    def test_is_not_for_strangers(self, mesh: MeshHarness, media: stubs.MediaServiceStub) -> None:
        with pytest.raises(Refused) as refused:
            mesh.call(media.PresignUpload, _presign_request(), key="k")

        assert refused.value.code == "UNAUTHENTICATED"

    def test_answers_a_repeat_with_the_same_bytes(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        token, key = uploads.token(), uuid.uuid4().hex
        same_user = mesh.store_token(uploads.store_id)

        first, _ = mesh.call(media.PresignUpload, _presign_request(), token=token, key=key)
        again, headers = mesh.call(media.PresignUpload, _presign_request(), token=token, key=key)
        other, _ = mesh.call(media.PresignUpload, _presign_request(), token=same_user, key=key)

        assert first == again
        assert headers["x-idempotent-replay"] == "true"
        assert other.media_id != first.media_id

    @pytest.mark.parametrize(
        ("constant", "message"), [("OPEN_PER_USER", "You have 2"), ("OPEN_PER_STORE", "The store has 2")]
    )
    def test_refuses_more_than_may_be_open_until_they_come_or_expire(
        self,
        mesh: MeshHarness,
        media: stubs.MediaServiceStub,
        uploads: Uploads,
        monkeypatch: pytest.MonkeyPatch,
        constant: str,
        message: str,
    ) -> None:
        monkeypatch.setattr(f"services.media.files.usecases.presign_upload.{constant}", 2)
        token = uploads.token()
        first, _ = (mesh.write(media.PresignUpload, _presign_request(), token=token) for _ in range(2))

        with pytest.raises(Refused) as refused:
            mesh.write(media.PresignUpload, _presign_request(), token=token)
        uploads.record(first)
        mesh.write(media.PresignUpload, _presign_request(), token=token)
        with pytest.raises(Refused):
            mesh.write(media.PresignUpload, _presign_request(), token=token)
        mesh.clock.advance(timedelta(minutes=31))
        mesh.write(media.PresignUpload, _presign_request(), token=uploads.token())

        assert (refused.value.code, refused.value.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_OPEN_UPLOADS")
        assert refused.value.metadata["limit"] == "2"
        assert message in str(refused.value.message)

    def test_writes_an_audit_row(self, mesh: MeshHarness, uploads: Uploads) -> None:
        upload = uploads.presign()

        rows = mesh.rows("media", "SELECT * FROM audit_log WHERE target = :id", id=upload.media_id)

        assert [(row.action, row.actor_store_id) for row in rows] == [("media.presign", uploads.store_id)]


@pytest.mark.usefixtures("bucket")
class TestFinalizeUpload:
    def test_marks_an_object_that_arrived(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        upload = uploads.presign()
        assert uploads.put(upload) == 200

        answer = mesh.write(media.FinalizeUpload, _finalize(upload), token=uploads.token())

        assert as_dict(answer)["status"] == "uploaded"
        assert answer.signed_url
        assert uploads.announced(upload.media_id) == 1

    def test_changes_nothing_after_the_notice(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        upload = uploads.presign()
        uploads.put(upload)
        uploads.notify(upload)
        uploads.look()

        answer = mesh.write(media.FinalizeUpload, _finalize(upload), token=uploads.token())

        assert as_dict(answer)["status"] == "uploaded"
        assert uploads.announced(upload.media_id) == 1

    def test_replays_under_the_same_key(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        upload, token = uploads.presign(), uploads.token()
        uploads.put(upload)

        first, _ = mesh.call(media.FinalizeUpload, _finalize(upload), token=token, key="once")
        again, headers = mesh.call(media.FinalizeUpload, _finalize(upload), token=token, key="once")

        assert first == again
        assert headers["x-idempotent-replay"] == "true"

    def test_refuses_while_the_object_is_missing_and_frees_the_key(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        upload, token = uploads.presign(), uploads.token()

        with pytest.raises(Refused) as refused:
            mesh.call(media.FinalizeUpload, _finalize(upload), token=token, key="once")
        uploads.put(upload)
        answer, _ = mesh.call(media.FinalizeUpload, _finalize(upload), token=token, key="once")

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "UPLOAD_MISSING")
        assert as_dict(answer)["status"] == "uploaded"

    def test_fails_what_is_not_as_declared(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        upload = uploads.presign()
        uploads.put(upload, b"<html>")

        answer = mesh.write(media.FinalizeUpload, _finalize(upload), token=uploads.token())

        assert (as_dict(answer)["status"], answer.failure) == ("failed", "the bytes are not application/pdf")
        assert not answer.signed_url
        assert uploads.announced(upload.media_id) == 0

    def test_hides_another_stores_file(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        upload = uploads.presign()
        uploads.put(upload)

        with pytest.raises(Refused) as refused:
            mesh.write(media.FinalizeUpload, _finalize(upload), token=mesh.store_token(uuid.uuid4()))

        assert refused.value.code == "NOT_FOUND"
        assert uploads.row(upload.media_id).status == "pending"


class TestFinalizeUploadWithoutStore:
    def test_asks_to_come_back_when_the_store_is_away(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload = uploads.presign()
        servicer = mesh.process("media").wiring.servicers[0].implementation
        monkeypatch.setattr(servicer.objects, "find", _away)

        with pytest.raises(Refused) as refused:
            mesh.write(media.FinalizeUpload, _finalize(upload), token=uploads.token())

        assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "DEPENDENCY_ERROR")
        assert uploads.row(upload.media_id).status == "pending"


class TestListMedia:
    def test_pages_through_the_stores_own_files_newest_first(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        ids = []
        for _ in range(5):
            mesh.clock.advance(timedelta(seconds=1))
            ids.append(str(uploads.uploaded()))
        Uploads(mesh, media, uuid.uuid4()).presign()

        seen, cursor = [], ""
        while True:
            answer = mesh.read(
                media.ListMedia, messages.ListMediaRequest(limit=2, cursor=cursor), token=uploads.token("viewer")
            )
            seen += [item.id for item in answer.items]
            cursor = answer.next_cursor
            if not cursor:
                break

        assert seen == ids[::-1]

    def test_filters_by_kind_and_status(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        uploads.presign(kind=Kind.pdf)
        wanted = str(uploads.uploaded(kind=Kind.pdf))
        uploads.uploaded(kind=Kind.coa)
        request = messages.ListMediaRequest(kind=Kind.pdf, status=Status.uploaded)

        answer = mesh.read(media.ListMedia, request, token=uploads.token())

        assert [item.id for item in answer.items] == [wanted]

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({"mime_type": "application/pdf"}, ["Price list.pdf"]),
            ({"mime_type": "image/"}, ["100%.png"]),
            ({"q": "PRICE"}, ["Price list.pdf"]),
            ({"q": "0%"}, ["100%.png"]),
            ({"q": "%"}, ["100%.png"]),
            ({"q": "price", "mime_type": "image/"}, []),
            ({"q": "PRICE\u2003LI"}, ["Price list.pdf"]),
        ],
    )
    def test_filters_by_type_and_name(
        self,
        mesh: MeshHarness,
        media: stubs.MediaServiceStub,
        uploads: Uploads,
        filters: dict[str, str],
        found: list[str],
    ) -> None:
        uploads.presign(kind=Kind.pdf, file_name="Price list.pdf")
        uploads.presign(kind=Kind.product, mime_type="image/png", file_name="100%.png")

        answer = mesh.read(media.ListMedia, messages.ListMediaRequest(**filters), token=uploads.token())

        assert [item.file_name for item in answer.items] == found

    def test_gives_no_url_of_a_pending_file(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        pending, uploaded = uploads.presign().media_id, str(uploads.uploaded())

        answer = mesh.read(media.ListMedia, messages.ListMediaRequest(), token=uploads.token())

        assert {item.id: bool(item.signed_url) for item in answer.items} == {pending: False, uploaded: True}

    def test_refuses_a_foreign_cursor(self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads) -> None:
        with pytest.raises(Refused) as refused:
            mesh.read(media.ListMedia, messages.ListMediaRequest(cursor="x"), token=uploads.token())

        assert refused.value.violations[0].field == "cursor"


class TestGetMediaUrl:
    @pytest.mark.usefixtures("bucket")
    def test_reads_the_bytes_for_48_hours(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        upload = uploads.presign()
        uploads.put(upload)
        uploads.notify(upload)
        uploads.look()

        answer = mesh.read(media.GetMediaUrl, _url_of(upload.media_id), token=uploads.token())

        expires_at = answer.expires_at.ToDatetime(mesh.clock.now().tzinfo)
        assert expires_at == mesh.clock.now() + timedelta(hours=48)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(answer.url, timeout=5) as response:
            assert response.read() == PDF

    def test_refuses_while_pending(self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads) -> None:
        with pytest.raises(Refused) as refused:
            mesh.read(media.GetMediaUrl, _url_of(uploads.presign().media_id), token=uploads.token())

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "MEDIA_PENDING")
        assert refused.value.headers["x-http-status"] == "409"

    def test_refuses_a_failed_file(self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.record(upload, mime_type="text/html")

        with pytest.raises(Refused) as refused:
            mesh.read(media.GetMediaUrl, _url_of(upload.media_id), token=uploads.token())

        assert (refused.value.reason, refused.value.metadata["state"]) == ("MEDIA_NOT_USABLE", "failed")

    def test_answers_alike_for_a_foreign_and_a_missing_file(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads
    ) -> None:
        foreign, missing = uploads.uploaded(), uuid.uuid4()
        refusals = []

        for media_id in (foreign, missing):
            with pytest.raises(Refused) as refused:
                mesh.read(media.GetMediaUrl, _url_of(media_id), token=mesh.store_token(uuid.uuid4()))
            refusals.append(refused.value)

        assert refusals[0].code == "NOT_FOUND"
        assert refusals[0].status == refusals[1].status


def _presign_request() -> messages.PresignUploadRequest:
    return messages.PresignUploadRequest(
        media_kind=Kind.license_doc, mime_type="application/pdf", file_name="a.pdf", size_bytes=10
    )


def _finalize(upload: messages.PresignUploadResponse) -> messages.FinalizeUploadRequest:
    return messages.FinalizeUploadRequest(media_id=upload.media_id)


def _url_of(media_id: uuid.UUID | str) -> messages.GetMediaUrlRequest:
    return messages.GetMediaUrlRequest(media_id=str(media_id))


def _away(_key: str) -> None:
    from meshkit.errors import DependencyUnavailable

    raise DependencyUnavailable("away", dependency="object_store")
