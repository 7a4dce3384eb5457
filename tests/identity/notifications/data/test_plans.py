"""The inbox finds its rows by its two indexes, however many others have."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from meshkit.cursor import Cursor, Page
from meshkit.db.tx import Tx
from services.identity.notifications.data import notifications
from tests.support.statements import owner_transaction, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.mesh_harness import MeshHarness

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STORE = uuid.UUID(int=7)
# One in fifty is unread; every twentieth belongs to the administrators.
_FILL = text("""
INSERT INTO notifications (id, store_id, type, title, message, link, read_at, created_at)
SELECT gen_random_uuid(), CASE n % 20 WHEN 0 THEN NULL ELSE lpad(to_hex(n % 20), 32, '0')::uuid END, 'order_alert', 't',
    'm', '', CASE n % 50 WHEN 7 THEN NULL ELSE TIMESTAMPTZ '2026-01-01 UTC' END,
    TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 minute'
FROM generate_series(1, 20000) AS n;
ANALYZE notifications;
""")


@pytest.fixture(scope="module")
def filled(session_mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction that sees many rows and is rolled back in the end."""
    session_mesh.start("identity")
    url = session_mesh.stack.addresses.database_url("identity", kind="owner")
    with owner_transaction(url, now=NOW) as tx:
        tx.execute(_FILL)
        yield tx


class TestPlans:
    @pytest.mark.parametrize("after", [None, Cursor(NOW, uuid.UUID(int=1))])
    def test_the_list_walks_the_stores_notifications(self, filled: Tx, after: Cursor | None) -> None:
        page = Page(limit=25, after=after)

        plan = _plan(filled, lambda: notifications.page(filled, STORE, page, unread_only=False))

        assert "notifications_store_id_created_at_idx" in plan
        assert "Sort" not in plan

    def test_the_administrators_list_reads_theirs_only(self, filled: Tx) -> None:
        page = Page(limit=25, after=None)

        plan = _plan(filled, lambda: notifications.page(filled, None, page, unread_only=False))

        assert "notifications_store_id_created_at_idx" in plan

    def test_marking_all_read_looks_at_the_unread_only(self, filled: Tx) -> None:
        plan = _plan(filled, lambda: notifications.mark_all_read(filled, STORE))

        assert "notifications_unread_idx" in plan

    def test_the_unread_list_never_reads_the_whole_table(self, filled: Tx) -> None:
        page = Page(limit=25, after=None)

        plan = _plan(filled, lambda: notifications.page(filled, STORE, page, unread_only=True))

        assert "Seq Scan" not in plan
        assert "_idx" in plan


def _plan(tx: Tx, query: Callable[[], object]) -> str:
    """Run the query and return its plan; taken back, so that no test changes what another one sees."""
    with tx.session.core.begin_nested() as savepoint:
        plan = plan_of(tx, query)
        savepoint.rollback()
    return plan
