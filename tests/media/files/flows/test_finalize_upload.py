"""Others move on while an upload is being finalised: between the look at the object and the record of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from marketmesh.media.v1 import media_service_pb2 as messages
from meshkit.errors import DependencyUnavailable
from tests.media.uploads import Uploads
from tests.support.mesh_harness import MeshHarness, Refused, as_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketmesh.media.v1 import media_service_pb2_grpc as stubs


@pytest.fixture
def looking(mesh: MeshHarness, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Return what lets something happen once, right after the object was looked at."""
    mesh.start("media")
    objects = mesh.process("media").wiring.servicers[0].implementation.objects
    find = objects.find

    def happen(meanwhile: Callable[[], None]) -> None:
        def looked(key: str) -> Any:
            monkeypatch.setattr(objects, "find", find)
            stored = find(key)
            meanwhile()
            return stored

        monkeypatch.setattr(objects, "find", looked)

    return happen


def finalize(mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads, media_id: str, key: str) -> Any:
    request = messages.FinalizeUploadRequest(media_id=media_id)
    return mesh.call(media.FinalizeUpload, request, token=uploads.token(), key=key)[0]


@pytest.mark.usefixtures("bucket")
class TestMeanwhile:
    def test_the_notice_was_followed(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads, looking: Any
    ) -> None:
        upload = uploads.presign()
        uploads.put(upload)
        looking(lambda: uploads.record(upload))

        answer = finalize(mesh, media, uploads, upload.media_id, uuid.uuid4().hex)

        assert as_dict(answer)["status"] == "uploaded"
        assert uploads.announced(upload.media_id) == 1

    @pytest.mark.parametrize("status", ["failed", "delete_requested"])
    def test_the_file_was_given_up(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads, looking: Any, status: str
    ) -> None:
        upload = uploads.presign()
        uploads.put(upload)

        def give_up() -> None:
            with mesh.as_owner("media") as tx:
                tx.execute(
                    text("UPDATE media SET status = :status WHERE id = CAST(:id AS uuid)"),
                    {"status": status, "id": upload.media_id},
                )

        looking(give_up)

        answer = finalize(mesh, media, uploads, upload.media_id, uuid.uuid4().hex)

        assert as_dict(answer)["status"] == status
        assert uploads.announced(upload.media_id) == 0

    def test_the_caller_was_sent_away_and_the_notice_came(
        self, mesh: MeshHarness, media: stubs.MediaServiceStub, uploads: Uploads, looking: Any
    ) -> None:
        upload, key = uploads.presign(), uuid.uuid4().hex
        uploads.put(upload)

        def record_and_be_away() -> None:
            uploads.record(upload)
            raise DependencyUnavailable(dependency="object store")

        looking(record_and_be_away)
        with pytest.raises(Refused) as refused:
            finalize(mesh, media, uploads, upload.media_id, key)

        answer = finalize(mesh, media, uploads, upload.media_id, key)

        assert refused.value.code == "UNAVAILABLE"
        assert as_dict(answer)["status"] == "uploaded"
        assert uploads.announced(upload.media_id) == 1
