"""Files that never came are forgotten after seven days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from services.media.files.usecases.remove_stale_pending import remove_stale_pending
from services.media.schema import media

if TYPE_CHECKING:
    from tests.media.uploads import Uploads
    from tests.support.mesh_harness import MeshHarness


class TestRemoveStalePending:
    def test_removes_what_is_older_than_seven_days_and_keeps_the_rest(
        self, mesh: MeshHarness, uploads: Uploads
    ) -> None:
        ages = {
            uploads.presign().media_id: timedelta(days=7, seconds=1),
            uploads.presign().media_id: timedelta(days=6, hours=23),
            str(uploads.uploaded()): timedelta(days=8),
        }
        stale, fresh, uploaded = ages
        with mesh.transaction("media") as tx:
            for media_id, age in ages.items():
                tx.execute(sa.update(media).where(media.c.id == media_id).values(created_at=tx.now - age))

        with mesh.transaction("media") as tx:
            remove_stale_pending(tx)

        left = {
            str(row.id) for row in mesh.rows("media", "SELECT id FROM media WHERE store_id = :s", s=uploads.store_id)
        }
        assert stale not in left
        assert left == {fresh, uploaded}
