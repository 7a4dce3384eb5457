"""The inbox finds its rows by its two indexes, however many others have."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from meshkit.call import Call
from meshkit.cursor import Cursor, Page
from meshkit.db.tx import Tx
from services.identity.data import notifications

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mesh_harness import MeshHarness

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STORE = uuid.UUID(int=7)
# One in fifty is unread; every twentieth belongs to the administrators.
_FILL = """
INSERT INTO notifications (id, store_id, type, title, message, link, read_at, created_at)
SELECT gen_random_uuid(), CASE n % 20 WHEN 0 THEN NULL ELSE lpad(to_hex(n % 20), 32, '0')::uuid END, 'order_alert', 't',
    'm', '', CASE n % 50 WHEN 7 THEN NULL ELSE TIMESTAMPTZ '2026-01-01 UTC' END,
    TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 minute'
FROM generate_series(1, 20000) AS n;
ANALYZE notifications;
"""


@pytest.fixture(scope="module")
def filled(session_mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction that sees many rows and is rolled back in the end."""
    session_mesh.start("identity")
    engine = sa.create_engine(session_mesh.stack.addresses.database_url("identity", kind="owner"))
    with engine.connect() as connection:
        connection.connection.driver_connection.execute(_FILL)
        yield Tx(now=NOW, call=Call(), connect=lambda: connection)
        connection.rollback()
    engine.dispose()


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


def _plan(tx: Tx, query: Any) -> str:
    """Run the query and return the plan of the statement it ran."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    sa.event.listen(tx.connection, "before_cursor_execute", note)
    try:
        # Taken back, so that no test changes what another one sees.
        with tx.connection.begin_nested() as savepoint:
            query()
            savepoint.rollback()
    finally:
        sa.event.remove(tx.connection, "before_cursor_execute", note)
    ((statement, parameters),) = [each for each in seen if "SAVEPOINT" not in each[0]]
    return "\n".join(tx.connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
