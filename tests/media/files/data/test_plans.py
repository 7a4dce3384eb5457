"""The list finds its rows by an index."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from meshkit.cursor import Cursor, Page
from meshkit.db.tx import Tx
from services.media.files.data import media

if TYPE_CHECKING:
    from collections.abc import Iterator

from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction, plan_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_FILL = text("""
INSERT INTO media (id, store_id, user_id, kind, status, gcs_key, file_name, mime_type, size_bytes, failure, created_at)
SELECT gen_random_uuid(), lpad(to_hex(n % 20), 32, '0')::uuid, gen_random_uuid(), 'pdf',
    CASE n % 50 WHEN 0 THEN 'pending' ELSE 'uploaded' END, gen_random_uuid()::text, 'a.pdf', 'application/pdf', 1, '',
    TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 minute'
FROM generate_series(1, 5000) AS n;
ANALYZE media;
""")


@pytest.fixture(scope="module")
def filled(session_mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction that sees many rows and is rolled back in the end."""
    session_mesh.start("media")
    url = session_mesh.stack.addresses.database_url("media", kind="owner")
    with owner_transaction(url, now=NOW) as tx:
        tx.execute(_FILL)
        yield tx


class TestPlans:
    @pytest.mark.parametrize("after", [None, Cursor(NOW, uuid.UUID(int=1))])
    def test_the_list_walks_the_stores_files(self, filled: Tx, after: Cursor | None) -> None:
        page = Page(limit=25, after=after)

        plan = plan_of(
            filled,
            lambda: media.page_of_store(filled, uuid.UUID(int=7), page, kind="pdf", status="", mime_type="", words=""),
        )

        assert "media_store_id_created_at_idx" in plan
        assert "Sort" not in plan

    def test_the_sweep_reads_only_pending_files(self, filled: Tx) -> None:
        plan = plan_of(filled, lambda: media.remove_pending(filled, created_before=NOW, limit=10))

        assert "media_pending_idx" in plan
