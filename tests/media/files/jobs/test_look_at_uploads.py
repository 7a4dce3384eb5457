"""An object that the store refuses waits for itself alone, and for a store that is away all wait."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from meshkit.errors import DependencyUnavailable
from services.media.files.flows.look_at_uploads import LONGEST, LOOKS
from services.media.files.jobs.look_at_uploads import UploadInspector
from services.media.outbound.ports import StoredObject
from tests.media.uploads import PDF, Uploads

if TYPE_CHECKING:
    from marketmesh.media.v1 import media_service_pb2 as messages
    from tests.support.mesh_harness import MeshHarness


class Store:
    """A store that has every object, and refuses some."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.is_away = False
        self.asked: list[str] = []

    def find(self, key: str) -> StoredObject | None:
        self._answer(key)
        return StoredObject(size_bytes=9, content_type="application/pdf", generation=1, head=PDF[:9])

    def remove(self, key: str) -> None:
        self._answer(key)

    def _answer(self, key: str) -> None:
        self.asked.append(key)
        if self.is_away or key in self.refused:
            raise DependencyUnavailable("The object store does not answer.", dependency="object_store")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def inspector(mesh: MeshHarness, store: Store) -> UploadInspector:
    """Return the loop; what other tests left is none of its business."""
    mesh.start("media")
    with mesh.as_owner("media") as tx:
        tx.execute(
            text("UPDATE media SET arrived_at = NULL, removed_at = created_at WHERE status IN ('pending', 'failed')")
        )
    return UploadInspector(mesh.process("media").transactions, finder=store, remover=store)


def arrived(uploads: Uploads) -> messages.PresignUploadResponse:
    upload = uploads.presign()
    uploads.notify(upload)
    return upload


class TestRefusedObject:
    def test_holds_up_none_behind_it(self, uploads: Uploads, store: Store, inspector: UploadInspector) -> None:
        first = arrived(uploads)
        store.refused.add(first.gcs_key)
        uploads.mesh.clock.advance(timedelta(seconds=1))
        second = arrived(uploads)

        inspector.look_once()

        assert [uploads.row(each.media_id).status for each in (first, second)] == ["pending", "uploaded"]

    def test_is_asked_for_again_later_and_later(
        self, uploads: Uploads, store: Store, inspector: UploadInspector
    ) -> None:
        upload, pauses = arrived(uploads), []
        store.refused.add(upload.gcs_key)

        for _ in range(LOOKS - 1):
            assert inspector.look_once() == 1
            assert inspector.look_once() == 0
            pauses.append(uploads.row(upload.media_id).ask_again_at - uploads.mesh.clock.now())
            uploads.mesh.clock.advance(pauses[-1])

        assert pauses[:3] == [timedelta(seconds=seconds) for seconds in (2, 4, 8)]
        assert pauses == sorted(pauses)
        assert pauses[-1] <= LONGEST
        store.refused.clear()
        inspector.look_once()
        assert uploads.row(upload.media_id).status == "uploaded"

    def test_is_as_one_that_never_came_in_the_end_and_can_come_again(
        self, uploads: Uploads, store: Store, inspector: UploadInspector
    ) -> None:
        upload = arrived(uploads)
        store.refused.add(upload.gcs_key)
        for _ in range(LOOKS):
            inspector.look_once()
            uploads.mesh.clock.advance(LONGEST)
        asked = len(store.asked)
        inspector.look_once()

        row = uploads.row(upload.media_id)
        assert (row.status, row.arrived_at, row.refused_times, len(store.asked)) == ("pending", None, 0, asked)
        store.refused.clear()
        uploads.notify(upload)
        inspector.look_once()
        assert uploads.row(upload.media_id).status == "uploaded"

    def test_of_a_failed_file_holds_up_no_other_removal(
        self, uploads: Uploads, store: Store, inspector: UploadInspector
    ) -> None:
        first, second = uploads.presign(), uploads.presign()
        for upload in (first, second):
            uploads.record(upload, head=b"")
        store.refused.add(first.gcs_key)

        inspector.look_once()
        held, gone = uploads.row(first.media_id), uploads.row(second.media_id)
        uploads.mesh.clock.advance(timedelta(seconds=2))
        store.refused.clear()
        inspector.look_once()

        assert (held.removed_at, gone.removed_at is None) == (None, False)
        assert uploads.row(first.media_id).removed_at == uploads.mesh.clock.now()

    def test_of_a_failed_file_is_asked_for_every_hour_however_often_it_was_refused(
        self, uploads: Uploads, store: Store, inspector: UploadInspector
    ) -> None:
        upload, times = uploads.presign(), 60
        uploads.record(upload, head=b"")
        store.refused.add(upload.gcs_key)

        for _ in range(times):
            assert inspector.look_once() == 1
            uploads.mesh.clock.advance(LONGEST)

        row = uploads.row(upload.media_id)
        assert (row.refused_times, row.removed_at, row.ask_again_at) == (times, None, uploads.mesh.clock.now())
        store.refused.clear()
        inspector.look_once()
        assert uploads.row(upload.media_id).removed_at == uploads.mesh.clock.now()


class TestStoreAway:
    def test_counts_against_no_object(self, uploads: Uploads, store: Store, inspector: UploadInspector) -> None:
        uploads_there = [arrived(uploads) for _ in range(2)]
        store.is_away = True

        for _ in range(LOOKS):
            with pytest.raises(DependencyUnavailable):
                inspector.look_once()
        store.is_away = False
        inspector.look_once()

        assert [uploads.row(each.media_id).status for each in uploads_there] == ["uploaded"] * 2
