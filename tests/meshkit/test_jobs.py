"""Scheduled work runs once per tick, however many run it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from meshkit.call import Call
from meshkit.db.tx import Transactions, Tx
from meshkit.jobs import Job, JobRunner, chassis_jobs
from tests.support.mesh_harness import MeshHarness


@pytest.fixture
def transactions(mesh: MeshHarness) -> Transactions:
    transactions = mesh.process("ads").transactions
    with transactions.write(Call()) as tx:
        tx.execute(text("DELETE FROM job_runs"))
    return transactions


class TestJobRunner:
    def test_runs_once_per_tick_across_ten_replicas(self, transactions: Transactions, mesh: MeshHarness) -> None:
        runs: list[int] = []
        job = Job("probe", timedelta(hours=1), lambda tx: runs.append(1))
        barrier = threading.Barrier(8)

        def replica() -> None:
            runner = JobRunner((job,), transactions)
            barrier.wait()
            runner.run_due()

        threads = [threading.Thread(target=replica) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert runs == [1]

    def test_runs_again_in_the_next_tick(self, transactions: Transactions, mesh: MeshHarness) -> None:
        runs: list[int] = []
        runner = JobRunner((Job("probe", timedelta(hours=1), lambda tx: runs.append(1)),), transactions)

        runner.run_due()
        runner.run_due()
        mesh.clock.advance(timedelta(hours=1))
        runner.run_due()

        assert runs == [1, 1]

    def test_one_that_fails_does_not_stop_the_others_and_leaves_nothing(self, transactions: Transactions) -> None:
        def broken(tx: Tx) -> None:
            tx.execute(text("DELETE FROM job_runs"))
            raise RuntimeError("defect")

        runs: list[int] = []
        jobs = (Job("broken", timedelta(hours=1), broken), Job("good", timedelta(hours=1), lambda tx: runs.append(1)))

        done = JobRunner(jobs, transactions).run_due()

        assert done == ["good"]
        assert runs == [1]

    def test_one_that_loses_its_connection_leaves_nothing_and_its_tick_to_another(
        self, transactions: Transactions
    ) -> None:
        runs: list[int] = []

        def cut_off(tx: Tx) -> None:
            tx.execute(text("INSERT INTO job_runs (job, tick, finished_at) VALUES ('half', now(), now())"))
            tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        first = JobRunner((Job("probe", timedelta(hours=1), cut_off),), transactions)
        second = JobRunner((Job("probe", timedelta(hours=1), lambda tx: runs.append(1)),), transactions)

        assert first.run_due() == []
        with transactions.read(Call()) as tx:
            assert tx.execute(text("SELECT job FROM job_runs")).all() == []
        assert second.run_due() == ["probe"]
        assert runs == [1]


class TestRetention:
    def test_deletes_published_events_after_30_days_and_keeps_unpublished_ones(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        insert = text(
            "INSERT INTO outbox (event_id, type, version, topic, ordering_key, payload, headers, created_at, available_at,"
            " published_at) VALUES (gen_random_uuid(), 't', 1, :topic, 'k', '', '{}', :at, :at, :published)"
        )
        with transactions.write(Call()) as tx:
            old, young = tx.now - timedelta(days=31), tx.now - timedelta(days=29)
            tx.execute(insert, {"topic": "old-published", "at": old, "published": old})
            tx.execute(insert, {"topic": "old-waiting", "at": old, "published": None})
            tx.execute(insert, {"topic": "young-published", "at": young, "published": young})
        retention = next(job for job in chassis_jobs() if job.name == "retention")

        with transactions.write(Call()) as tx:
            retention.run(tx)

        with transactions.write(Call()) as tx:
            kept = [
                row.topic for row in tx.execute(text("SELECT topic FROM outbox WHERE topic ~ 'old|young' ORDER BY 1"))
            ]
            tx.execute(text("DELETE FROM outbox"))
        assert kept == ["old-waiting", "young-published"]
