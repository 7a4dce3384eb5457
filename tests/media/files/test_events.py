"""Storage notices through the consumer, and what the loop makes of them at the real store."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING

import pytest

from meshkit.events.registry import UnreadableEvent
from tests.media.uploads import HEADS, PDF, Kind, Uploads, notice, object_store_of

if TYPE_CHECKING:
    from tests.support.mesh_harness import MeshHarness

HTML = b"<script>alert(1)</script>"
PNG = HEADS["image/png"] + b"the rest"


class TestObjectFinalized:
    def test_believes_nothing_that_the_notice_says(self, uploads: Uploads) -> None:
        upload = uploads.presign()

        uploads.notify(upload)

        row = uploads.row(upload.media_id)
        assert (row.status, row.arrived_at, row.uploaded_at) == ("pending", uploads.mesh.clock.now(), None)
        assert uploads.announced(upload.media_id) == 0

    def test_ignores_an_unknown_object(self, mesh: MeshHarness) -> None:
        envelope = notice(f"{uuid.uuid4()}/other/{uuid.uuid4()}.png")

        mesh.deliver_envelope("media", envelope)

        assert mesh.rows("media", "SELECT 1 FROM inbox WHERE event_id = :id", id=envelope.event_id)

    def test_cannot_read_a_notice_without_its_parts(self, mesh: MeshHarness) -> None:
        headers = {"eventType": "OBJECT_FINALIZE"}

        with pytest.raises(UnreadableEvent):
            mesh.deliver_envelope("media", dataclasses.replace(notice("k"), headers=headers))


@pytest.mark.usefixtures("bucket")
class TestUploadInspector:
    def test_marks_the_file_as_uploaded_and_announces_it_once(self, uploads: Uploads) -> None:
        upload = uploads.presign(size_bytes=1000)
        uploads.put(upload)

        for _ in range(2):
            uploads.notify(upload)
            uploads.look()

        row, stored = uploads.row(upload.media_id), object_store_of().find(upload.gcs_key)
        assert stored
        assert (row.status, row.size_bytes, row.generation) == ("uploaded", len(PDF), stored.generation)
        assert uploads.announced(upload.media_id) == 1

    def test_waits_for_an_object_that_is_not_there(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.notify(upload)

        uploads.look()

        row = uploads.row(upload.media_id)
        assert (row.status, row.arrived_at) == ("pending", None)

    @pytest.mark.parametrize("data", [HTML, b"GIF89a" + PNG, PDF])
    def test_fails_and_removes_what_only_says_that_it_is_a_picture(self, uploads: Uploads, data: bytes) -> None:
        upload = uploads.presign(kind=Kind.product, mime_type="image/png", size_bytes=1000)
        assert uploads.put(upload, data) == 200
        uploads.notify(upload)

        uploads.look()  # looks
        uploads.look()  # removes

        row = uploads.row(upload.media_id)
        assert (row.status, row.failure) == ("failed", "the bytes are not image/png")
        assert row.removed_at
        assert object_store_of().find(upload.gcs_key) is None
        assert uploads.announced(upload.media_id) == 0

    def test_removes_what_is_put_to_the_url_of_a_failed_file(self, uploads: Uploads) -> None:
        upload = uploads.presign(kind=Kind.product, mime_type="image/png", size_bytes=1000)
        uploads.record(upload, head=HTML)
        uploads.look()
        assert uploads.put(upload, PNG) == 200

        uploads.notify(upload)
        uploads.look()

        assert uploads.row(upload.media_id).status == "failed"
        assert object_store_of().find(upload.gcs_key) is None


class TestRecordUpload:
    @pytest.mark.parametrize("changes", [{"size_bytes": 10**6}, {"mime_type": "text/html"}, {"head": b""}])
    def test_fails_what_is_not_as_declared(self, uploads: Uploads, changes: dict[str, object]) -> None:
        upload = uploads.presign()

        uploads.record(upload, **changes)

        row = uploads.row(upload.media_id)
        assert (row.status, row.failed_at, row.uploaded_at) == ("failed", uploads.mesh.clock.now(), None)
        assert row.failure

    def test_never_revives_a_failed_file(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.record(upload, head=HTML)

        uploads.record(upload)

        assert uploads.row(upload.media_id).status == "failed"

    def test_keeps_to_the_contents_that_were_looked_at_first(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.record(upload, generation=1)

        uploads.record(upload, generation=2, head=HTML)

        row = uploads.row(upload.media_id)
        assert (row.status, row.generation) == ("uploaded", 1)
