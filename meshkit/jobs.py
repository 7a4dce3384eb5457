"""Scheduled work: one run per tick across all replicas, recorded in the transaction of the work itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit import audit
from meshkit.call import Call
from meshkit.db.sql import sql
from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import JOB_LAST_SUCCESS, JOB_RUNS, JOB_SECONDS

if TYPE_CHECKING:
    from meshkit.db.tx import Transactions, Tx

_CLAIM_TICK = sql(
    "INSERT INTO job_runs (job, tick, finished_at) VALUES (:job, :tick, :now)"
    " ON CONFLICT ON CONSTRAINT job_runs_pk DO NOTHING"
)
_RETENTION = (
    ("DELETE FROM outbox WHERE published_at < :limit", timedelta(days=30)),
    ("DELETE FROM inbox WHERE handled_at < :limit", timedelta(days=30)),
    ("DELETE FROM idempotency_keys WHERE expires_at < :limit", timedelta(0)),
    ("DELETE FROM job_runs WHERE finished_at < :limit", timedelta(days=2)),
)


@dataclass(frozen=True)
class Job:
    """Work done every `every`: `run` gets the tick's open transaction."""

    name: str
    every: timedelta
    run: Callable[[Tx], object]

    def tick_at(self, now: datetime) -> datetime:
        """Return the start of the tick that `now` falls into."""
        seconds = self.every.total_seconds()
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, tz=UTC)


@dataclass
class JobRunner:
    """Runs a service's jobs, one after the other; one that fails does not stop the others."""

    jobs: tuple[Job, ...]
    transactions: Transactions

    def __post_init__(self) -> None:
        self._done: dict[str, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Run what is due, until told to stop."""
        while not stop.wait(0.25):
            self.run_due()

    def run_due(self) -> list[str]:
        """Run every job whose current tick has not been run by anybody; returns their names."""
        return [job.name for job in self.jobs if self._run_if_due(job)]

    def _run_if_due(self, job: Job) -> bool:
        tick = job.tick_at(self.transactions.clock.now())
        if self._done.get(job.name) == tick:
            return False
        started = time.perf_counter()
        try:
            ran = self._run_tick(job, tick)
        except SQLAlchemyError as error:
            JOB_RUNS.labels(job.name, "failed").inc()
            get_logger().warning("job.failed", job=job.name, error=str(error.__cause__ or error)[:300])
            return False
        except Exception as error:
            # One run per tick: a defect is tried again at the next tick, not in a loop.
            self._done[job.name] = tick
            JOB_RUNS.labels(job.name, "failed").inc()
            get_logger().error("job.failed", job=job.name, exc_info=error)
            return False
        self._done[job.name] = tick
        if ran:
            JOB_RUNS.labels(job.name, "ok").inc()
            JOB_SECONDS.labels(job.name).observe(time.perf_counter() - started)
            JOB_LAST_SUCCESS.labels(job.name).set_to_current_time()
        return ran

    def _run_tick(self, job: Job, tick: datetime) -> bool:
        call = Call(request_id=f"job-{job.name}-{new_id().hex}")
        with self.transactions.write(call) as tx:
            if tx.execute(_CLAIM_TICK, {"job": job.name, "tick": tick, "now": tx.now}).rowcount == 0:
                return False
            job.run(tx)
        return True


def chassis_jobs() -> tuple[Job, ...]:
    """Return the jobs every service has: link audit rows, delete what is past its retention."""
    return (
        Job("audit_chain", timedelta(seconds=1), audit.link_new_rows),
        Job("retention", timedelta(hours=1), _delete_old_rows),
    )


def _delete_old_rows(tx: Tx) -> None:
    for statement, keep in _RETENTION:
        tx.execute(sql(statement), {"limit": tx.now - keep})
