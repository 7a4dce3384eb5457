"""Old notifications go, a bounded number at a time."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import text

from meshkit.jobs import JobRunner
from meshkit.retention import BATCH
from services.identity.notifications.data.notifications import old_ones
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import leave_only, owner_transaction

_ADD = text(
    "INSERT INTO notifications (id, store_id, type, title, message, link, read_at, created_at)"
    " SELECT gen_random_uuid(), :store, 'order_alert', :title, '', '', :read_at, :at FROM generate_series(1, :count)"
)


class TestForgetNotifications:
    def test_removes_those_of_31_days_and_keeps_those_of_29(self, mesh: MeshHarness) -> None:
        store, process = uuid.uuid4(), mesh.process("identity")
        with mesh.transaction("identity") as tx:
            tx.execute(text("DELETE FROM job_runs WHERE job = 'forget_notifications'"))
            for title, days, read in (("old", 31, False), ("old-read", 31, True), ("young", 29, True)):
                at = tx.now - timedelta(days=days)
                added = {"store": store, "title": title, "at": at, "read_at": at if read else None, "count": 1}
                tx.execute(_ADD, added)

        JobRunner(process.wiring.jobs, process.transactions).run_due()

        left = mesh.rows("identity", "SELECT title FROM notifications WHERE store_id = :store", store=store)
        assert [row.title for row in left] == ["young"]

    def test_removes_more_than_fit_a_transaction(self, mesh: MeshHarness) -> None:
        store, process = uuid.uuid4(), mesh.process("identity")
        with mesh.transaction("identity") as tx:
            tx.execute(text("DELETE FROM job_runs WHERE job = 'forget_notifications'"))
            at = tx.now - timedelta(days=31)
            tx.execute(_ADD, {"store": store, "title": "old", "at": at, "read_at": None, "count": BATCH + 1})

        JobRunner(process.wiring.jobs, process.transactions).run_due()

        assert mesh.rows("identity", "SELECT 1 FROM notifications WHERE store_id = :store", store=store) == []

    def test_finds_them_by_index(self, mesh: MeshHarness) -> None:
        url = mesh.stack.addresses.database_url("identity", kind="owner")
        with owner_transaction(url, now=mesh.clock.now()) as tx:
            leave_only(tx, "notifications_created_at_idx")
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            lines = tx.execute(
                text(f"EXPLAIN {old_ones(keep=timedelta(days=30)).statement.text}"), {"limit": tx.now, "batch": BATCH}
            ).scalars()

            plan = "\n".join(lines)

        assert "notifications_created_at_idx" in plan
        assert "Seq Scan" not in plan
