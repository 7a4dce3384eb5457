"""Scheduled work runs once per tick, however many run it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY
from sqlalchemy import text

from meshkit.call import Call
from meshkit.chassis_jobs import chassis_jobs
from meshkit.db.tx import Transactions, Tx
from meshkit.jobs import CATCH_UP_MAX, MORE, ROUNDS_MAX, Job, JobRunner, TickJob
from meshkit.obs.metrics import JOB_LAST_SUCCESS
from meshkit.retention import chassis_rules, delete_old
from meshkit.settings import RetentionSettings, SettingsInvalid
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import leave_only, owner_transaction


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

    def test_one_with_a_defect_in_its_sql_waits_for_the_next_tick(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        tried: list[int] = []

        def broken(tx: Tx) -> None:
            tried.append(1)
            tx.execute(text("SELECT 1 / 0"))

        runner = JobRunner((Job("probe", timedelta(hours=1), broken),), transactions)
        runner.run_due()
        runner.run_due()
        in_one_tick = len(tried)
        mesh.clock.advance(timedelta(hours=1))
        runner.run_due()

        assert (in_one_tick, len(tried)) == (1, 2)

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


class TestCatchUp:
    def test_after_three_missed_ticks_runs_once_and_says_how_far_behind(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        runs: list[int] = []
        job = Job("probe", timedelta(hours=1), lambda tx: runs.append(1))
        JobRunner((job,), transactions).run_due()
        missed = measured("mesh_job_missed_ticks_total", job="probe")

        mesh.clock.advance(timedelta(hours=4))
        with structlog.testing.capture_logs() as lines:
            JobRunner((job,), transactions).run_due()
            JobRunner((job,), transactions).run_due()

        (line,) = [line for line in lines if line["event"] == "job.caught_up"]
        assert (line["job"], line["missed"], line["behind_s"], line["runs"]) == ("probe", 3, 4 * 3600, 1)
        assert measured("mesh_job_missed_ticks_total", job="probe") - missed == 3
        assert runs == [1, 1]

    def test_says_nothing_when_no_tick_was_missed(self, transactions: Transactions, mesh: MeshHarness) -> None:
        job = Job("probe", timedelta(hours=1), lambda tx: None)
        with structlog.testing.capture_logs() as lines:
            JobRunner((job,), transactions).run_due()
            mesh.clock.advance(timedelta(hours=1))
            JobRunner((job,), transactions).run_due()

        assert [line for line in lines if line["event"] == "job.caught_up"] == []

    def test_of_a_job_declared_per_tick_runs_each_of_them_oldest_first(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        ticks: list[datetime] = []
        job = TickJob("probe", timedelta(hours=1), lambda tx, tick: ticks.append(tick))
        first = job.tick_at(mesh.clock.now())
        JobRunner((job,), transactions).run_due()
        mesh.clock.advance(timedelta(hours=4))

        JobRunner((job,), transactions).run_due()
        JobRunner((job,), transactions).run_due()

        assert ticks == [first + timedelta(hours=number) for number in range(5)]

    def test_of_a_job_declared_per_tick_goes_on_at_the_tick_that_failed(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        ticks: list[datetime] = []

        def fail_once(tx: Tx, tick: datetime) -> None:
            ticks.append(tick)
            if len(ticks) == 3:
                raise RuntimeError("defect")

        job = TickJob("probe", timedelta(hours=1), fail_once)
        first = job.tick_at(mesh.clock.now())
        JobRunner((job,), transactions).run_due()
        mesh.clock.advance(timedelta(hours=3))
        runner = JobRunner((job,), transactions)

        runner.run_due()
        runner.run_due()
        mesh.clock.advance(timedelta(hours=1))
        runner.run_due()

        assert [round((tick - first) / timedelta(hours=1)) for tick in ticks] == [0, 1, 2, 2, 3, 4]

    def test_of_a_job_declared_per_tick_is_bounded_and_goes_on_at_once(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        ticks: list[datetime] = []
        runner = JobRunner((TickJob("probe", timedelta(seconds=1), lambda tx, tick: ticks.append(tick)),), transactions)
        runner.run_due()
        mesh.clock.advance(timedelta(seconds=CATCH_UP_MAX + 7))

        runner.run_due()
        after_one_turn = len(ticks)
        runner.run_due()
        runner.run_due()

        assert after_one_turn == 1 + CATCH_UP_MAX
        assert len(ticks) == len(set(ticks)) == 1 + CATCH_UP_MAX + 7

    def test_of_a_job_declared_per_tick_takes_up_a_new_period_where_it_is_now(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        ticks: list[datetime] = []

        def work(tx: Tx, tick: datetime) -> None:
            ticks.append(tick)

        JobRunner((TickJob("probe", timedelta(minutes=10), work),), transactions).run_due()
        mesh.clock.advance(timedelta(hours=3))
        hourly = TickJob("probe", timedelta(hours=1), work)

        JobRunner((hourly,), transactions).run_due()

        assert ticks[1:] == [hourly.tick_at(ticks[0]) + timedelta(hours=number) for number in (1, 2, 3)]

    def test_of_replicas_together_runs_each_missed_tick_once_and_in_order(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        ticks: list[datetime] = []
        job = TickJob("probe", timedelta(hours=1), lambda tx, tick: ticks.append(tick))
        JobRunner((job,), transactions).run_due()
        mesh.clock.advance(timedelta(hours=5))
        barrier = threading.Barrier(8)

        def replica() -> None:
            barrier.wait()
            JobRunner((job,), transactions).run_due()

        threads = [threading.Thread(target=replica) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert ticks == sorted(set(ticks))
        assert len(ticks) == 6


class TestMore:
    def test_runs_again_at_once_in_a_transaction_of_its_own(self, transactions: Transactions) -> None:
        seen: list[int] = []

        def work(tx: Tx) -> object:
            (transaction,) = tx.execute(text("SELECT txid_current()")).one()
            seen.append(transaction)
            return MORE if len(seen) < 3 else None

        runner = JobRunner((Job("probe", timedelta(hours=1), work),), transactions)

        assert runner.run_due() == ["probe"]
        assert runner.run_due() == []
        assert len(set(seen)) == 3

    def test_ends_when_there_is_no_end(self, transactions: Transactions) -> None:
        runs: list[int] = []

        def work(tx: Tx) -> object:
            runs.append(1)
            return MORE

        JobRunner((Job("probe", timedelta(hours=1), work),), transactions).run_due()

        assert len(runs) == ROUNDS_MAX


class TestMetrics:
    def test_tell_success_duration_failures_and_lag_of_each_job(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        broken = [False]

        def work(tx: Tx) -> None:
            if broken[0]:
                raise RuntimeError("defect")

        runner = JobRunner((Job("metered", timedelta(hours=1), work),), transactions)
        mesh.clock.advance(timedelta(hours=1))
        succeeded = mesh.clock.now().timestamp()
        runner.run_due()
        good = {
            "success": measured("mesh_job_last_success_timestamp_seconds", job="metered") - succeeded,
            "runs": measured("mesh_job_duration_seconds_count", job="metered"),
            "lag": measured("mesh_job_lag_seconds", job="metered"),
        }
        broken[0] = True
        mesh.clock.advance(timedelta(hours=3))
        runner.run_due()

        assert good == {"success": 0, "runs": 1, "lag": 0}
        assert measured("mesh_job_runs_total", job="metered", result="failed") == 1
        assert measured("mesh_job_lag_seconds", job="metered") == 2 * 3600
        assert measured("mesh_job_last_success_timestamp_seconds", job="metered") == succeeded

    def test_of_a_new_process_know_what_others_ran(self, transactions: Transactions, mesh: MeshHarness) -> None:
        job = Job("elsewhere", timedelta(hours=1), lambda tx: None)
        JobRunner((job,), transactions).run_due()
        ran_at = mesh.clock.now().timestamp()
        JOB_LAST_SUCCESS.remove("elsewhere")

        JobRunner((job,), transactions).run_due()

        assert measured("mesh_job_last_success_timestamp_seconds", job="elsewhere") == ran_at


class TestRetention:
    def test_deletes_published_events_after_30_days_and_keeps_unpublished_ones(
        self, transactions: Transactions, mesh: MeshHarness
    ) -> None:
        with transactions.write(Call()) as tx:
            old, young = tx.now - timedelta(days=31), tx.now - timedelta(days=29)
            tx.execute(_ADD_EVENT, {"topic": "old-published", "at": old, "published": old})
            tx.execute(_ADD_EVENT, {"topic": "old-waiting", "at": old, "published": None})
            tx.execute(_ADD_EVENT, {"topic": "young-published", "at": young, "published": young})

        delete_all(transactions)

        with transactions.write(Call()) as tx:
            kept = [
                row.topic for row in tx.execute(text("SELECT topic FROM outbox WHERE topic ~ 'old|young' ORDER BY 1"))
            ]
            tx.execute(text("DELETE FROM outbox"))
        assert kept == ["old-waiting", "young-published"]

    def test_forgets_what_was_handled_after_it_can_no_longer_come_again(self, transactions: Transactions) -> None:
        insert = text("INSERT INTO inbox (consumer, event_id, handled_at) VALUES (:consumer, gen_random_uuid(), :at)")
        with transactions.write(Call()) as tx:
            for consumer, days in (("kept", 44), ("gone", 46)):
                tx.execute(insert, {"consumer": consumer, "at": tx.now - timedelta(days=days)})

        delete_all(transactions)

        assert rows(transactions, "SELECT consumer FROM inbox WHERE consumer IN ('kept', 'gone')") == [("kept",)]

    def test_forgets_expired_keys_but_none_whose_flow_is_held(self, transactions: Transactions) -> None:
        insert = text(
            "INSERT INTO idempotency_keys (principal, method, key, request_hash, created_at, expires_at, lease_until)"
            " VALUES ('p', 'm', :key, '', :now, :expires, :lease)"
        )
        with transactions.write(Call()) as tx:
            tx.execute(text("DELETE FROM idempotency_keys"))
            past, future = tx.now - timedelta(seconds=1), tx.now + timedelta(hours=1)
            for key, expires, lease in (
                ("expired", past, None), ("held", past, future), ("abandoned", past, past), ("valid", future, None),
            ):  # fmt: skip
                tx.execute(insert, {"key": key, "now": tx.now, "expires": expires, "lease": lease})

        delete_all(transactions)

        assert rows(transactions, "SELECT key FROM idempotency_keys ORDER BY 1") == [("held",), ("valid",)]

    def test_keeps_each_jobs_last_tick(self, transactions: Transactions) -> None:
        insert = text("INSERT INTO job_runs (job, tick, finished_at) VALUES (:job, :at, :at)")
        with transactions.write(Call()) as tx:
            for job, days in (("daily", 9), ("daily", 8), ("other", 9)):
                tx.execute(insert, {"job": job, "at": tx.now - timedelta(days=days)})

        delete_all(transactions)

        left = rows(transactions, "SELECT job, date_part('day', :now - tick) FROM job_runs", transactions.clock.now())
        assert sorted(left) == [("daily", 8), ("other", 9)]

    def test_deletes_a_bounded_number_per_transaction_until_nothing_is_left(self, transactions: Transactions) -> None:
        with transactions.write(Call()) as tx:
            old = tx.now - timedelta(days=31)
            for _ in range(7):
                tx.execute(_ADD_EVENT, {"topic": "old-published", "at": old, "published": old})
        rules = chassis_rules(RetentionSettings())
        left = []
        job = Job(
            "retention", timedelta(hours=1), lambda tx: left.append(_left(tx)) or delete_old(tx, rules=rules, batch=3)
        )

        JobRunner((job,), transactions).run_due()

        # Passes after it delete what other tests have left.
        assert left[:3] == [7, 4, 1]
        assert rows(transactions, "SELECT 1 FROM outbox WHERE topic = 'old-published'") == []

    @pytest.mark.parametrize("rule", range(3))
    def test_finds_old_rows_by_index(self, mesh: MeshHarness, rule: int) -> None:
        statement = chassis_rules(RetentionSettings())[rule].statement
        index = ("outbox_published_idx", "inbox_handled_at_idx", "idempotency_keys_expires_idx")[rule]
        url = mesh.stack.addresses.database_url("ads", kind="owner")
        with owner_transaction(url, now=mesh.clock.now()) as tx:
            leave_only(tx, index)
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            plan = tx.execute(
                text(f"EXPLAIN {statement.text}"), {"limit": tx.now - timedelta(days=30), "batch": 1000}
            ).scalars()
            read = "\n".join(plan)

        assert index in read
        assert "Seq Scan" not in read

    def test_must_remember_what_was_handled_longer_than_it_is_kept(self) -> None:
        with pytest.raises(SettingsInvalid) as refused:
            RetentionSettings(handled_events_days=37)

        assert "MESH_KEEP_HANDLED_EVENTS_DAYS" in str(refused.value)


_ADD_EVENT = text(
    "INSERT INTO outbox (event_id, type, version, topic, ordering_key, payload, headers, created_at, available_at,"
    " published_at) VALUES (gen_random_uuid(), 't', 1, :topic, 'k', '', '{}', :at, :at, :published)"
)


def delete_all(transactions: Transactions) -> None:
    retention = next(job for job in chassis_jobs(RetentionSettings()) if job.name == "retention")
    with transactions.write(Call()) as tx:
        retention.run(tx)


def rows(transactions: Transactions, statement: str, now: datetime | None = None) -> list[Any]:
    with transactions.read(Call()) as tx:
        return [tuple(row) for row in tx.execute(text(statement), {"now": now} if now else {})]


def _left(tx: Tx) -> int:
    return int(tx.execute(text("SELECT count(*) FROM outbox WHERE topic = 'old-published'")).scalar_one())


def measured(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0
