"""Storage notices through the consumer."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING

import pytest

from meshkit.events.registry import UnreadableEvent
from services.media.domain.kinds import MAX_BYTES
from tests.media.uploads import PDF, Uploads, notice

if TYPE_CHECKING:
    from tests.support.mesh_harness import MeshHarness


class TestObjectFinalized:
    def test_marks_the_file_as_uploaded_and_announces_it_once(self, uploads: Uploads) -> None:
        upload = uploads.presign(size_bytes=1000)

        uploads.notify(upload)

        row = uploads.row(upload.media_id)
        assert (row.status, row.size_bytes, row.uploaded_at) == ("uploaded", len(PDF), uploads.mesh.clock.now())
        assert uploads.announced(upload.media_id) == 1

    def test_ignores_the_same_notice_and_another_of_the_same_object(self, mesh: MeshHarness, uploads: Uploads) -> None:
        upload = uploads.presign()
        envelope = notice(upload.gcs_key, size=len(PDF), mime_type="application/pdf")

        for _ in range(2):
            mesh.deliver_envelope("media", envelope)
        uploads.notify(upload)

        assert uploads.row(upload.media_id).status == "uploaded"
        assert uploads.announced(upload.media_id) == 1

    def test_ignores_an_unknown_object(self, mesh: MeshHarness) -> None:
        envelope = notice(f"{uuid.uuid4()}/other/{uuid.uuid4()}.png", size=1, mime_type="image/png")

        mesh.deliver_envelope("media", envelope)

        assert mesh.rows("media", "SELECT 1 FROM inbox WHERE event_id = :id", id=envelope.event_id)

    @pytest.mark.parametrize(
        ("size", "mime_type"),
        [(len(PDF) + 1, "application/pdf"), (MAX_BYTES + 1, "application/pdf"), (len(PDF), "text/html")],
    )
    def test_fails_what_is_not_as_declared(self, uploads: Uploads, size: int, mime_type: str) -> None:
        upload = uploads.presign()

        uploads.notify(upload, size=size, mime_type=mime_type)

        row = uploads.row(upload.media_id)
        assert (row.status, row.failed_at, row.uploaded_at) == ("failed", uploads.mesh.clock.now(), None)
        assert row.failure
        assert uploads.announced(upload.media_id) == 0

    def test_never_revives_a_failed_file(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.notify(upload, size=len(PDF) + 1)

        uploads.notify(upload)

        assert uploads.row(upload.media_id).status == "failed"

    def test_fails_an_uploaded_file_that_is_written_over_with_something_else(self, uploads: Uploads) -> None:
        upload = uploads.presign()
        uploads.notify(upload)

        uploads.notify(upload, mime_type="text/html")

        assert uploads.row(upload.media_id).status == "failed"

    def test_cannot_read_a_notice_without_its_parts(self, mesh: MeshHarness) -> None:
        envelope = notice("k", size=1, mime_type="image/png")

        with pytest.raises(UnreadableEvent):
            mesh.deliver_envelope("media", dataclasses.replace(envelope, payload=b"{}"))
