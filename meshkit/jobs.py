"""Scheduled work: one run per tick across all replicas, recorded in the transaction of the work itself.

After a time away a job runs once and says how far behind it is; a TickJob runs once for each tick that was missed.
"""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from meshkit.call import Call
from meshkit.db.engine import is_unavailable, retry_reason, run_with_retries
from meshkit.db.sql import sql
from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import JOB_LAG, JOB_LAST_SUCCESS, JOB_MISSED_TICKS, JOB_RUNS, JOB_SECONDS

if TYPE_CHECKING:
    from meshkit.db.tx import Transactions, Tx

# Transactions of a tick's run, and missed ticks that a TickJob makes up for before other jobs have their turn.
ROUNDS_MAX = 200
CATCH_UP_MAX = 100


class LastRun(NamedTuple):
    """The last tick of a job that was run, and when that ended."""

    tick: datetime
    finished_at: datetime


_CLAIM_TICK = sql(
    "INSERT INTO job_runs (job, tick, finished_at) VALUES (:job, :tick, :now)"
    " ON CONFLICT ON CONSTRAINT job_runs_pk DO NOTHING"
)
_LAST_RUN = sql("SELECT tick, finished_at FROM job_runs WHERE job = :job ORDER BY tick DESC LIMIT 1", LastRun)


class More(enum.Enum):
    """What a job returns that has more to do than fits a transaction: it is run again at once."""

    MORE = enum.auto()


MORE: Literal[More.MORE] = More.MORE
# Result of a tick that another replica has run.
_TAKEN = object()


@dataclass(frozen=True)
class Job:
    """Work done every `every`: `run` gets the tick's open transaction, and another one each time it returns MORE."""

    name: str
    every: timedelta
    run: Callable[[Tx], object]

    def tick_at(self, now: datetime) -> datetime:
        """Return the start of the tick that `now` falls into."""
        seconds = self.every.total_seconds()
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, tz=UTC)

    def due(self, last: datetime | None, current: datetime) -> list[datetime]:
        """Return the ticks to run, `last` being the last one that was: only the current one.

        Other replicas are a little ahead at most; a tick further ahead was run before the clock was put back, and this one
        may be new all the same.
        """
        return [] if last is not None and current <= last <= current + self.every else [current]

    def work(self, tx: Tx, tick: datetime) -> object:  # noqa: ARG002
        """Do one tick's work, or a part of it."""
        return self.run(tx)


@dataclass(frozen=True)
class TickJob(Job):
    """Work that every tick needs for itself: `run` gets the tick too, and missed ones come first, oldest first."""

    run: Callable[[Tx, datetime], object]  # type: ignore[assignment]

    def due(self, last: datetime | None, current: datetime) -> list[datetime]:
        """Return the ticks to run: all since the last one, a bounded number."""
        if last is None:
            return [current]
        before = self.tick_at(last)
        missed = min(round((current - before) / self.every), CATCH_UP_MAX)
        return [before + self.every * number for number in range(1, missed + 1)]

    def work(self, tx: Tx, tick: datetime) -> object:
        """Do one tick's work, or a part of it."""
        return self.run(tx, tick)


@dataclass
class JobRunner:
    """Runs a service's jobs, one after the other; one that fails does not stop the others."""

    jobs: tuple[Job, ...]
    transactions: Transactions

    def __post_init__(self) -> None:
        # The last tick of each job that is settled: done by some replica, or failed because of a defect.
        self._settled: dict[str, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Run what is due, until told to stop."""
        while not stop.wait(0.25):
            self.run_due()

    def run_due(self) -> list[str]:
        """Run every job whose current tick has not been run by anybody; returns their names."""
        return [job.name for job in self.jobs if self._run_if_due(job)]

    def _run_if_due(self, job: Job) -> bool:
        current = job.tick_at(self.transactions.clock.now())
        if self._settled.get(job.name) == current:
            return False
        try:
            return self._catch_up(job, current)
        except Exception as error:
            JOB_RUNS.labels(job.name, "failed").inc()
            if is_unavailable(error) or retry_reason(error):
                get_logger().warning("job.failed", job=job.name, error=str(error.__cause__ or error)[:300])
            else:
                # A defect, also one in SQL, is tried again at the next tick, not in a loop.
                self._settled[job.name] = current
                get_logger().error("job.failed", job=job.name, exc_info=error)
        return False

    def _catch_up(self, job: Job, current: datetime) -> bool:
        last = self._last_run(job)
        behind = current - last.tick if last else job.every
        JOB_LAG.labels(job.name).set(max(0.0, (behind - job.every).total_seconds()))
        if last:
            JOB_LAST_SUCCESS.labels(job.name).set(last.finished_at.timestamp())
        ticks = job.due(last.tick if last else None, current)
        ran = [tick for tick in ticks if self._run_tick(job, tick)]
        if ran and (missed := round(behind / job.every) - 1) > 0:
            JOB_MISSED_TICKS.labels(job.name).inc(missed)
            get_logger().warning(
                "job.caught_up", job=job.name, missed=missed, behind_s=behind.total_seconds(), runs=len(ran)
            )
        if not ticks or ticks[-1] >= current:
            self._settled[job.name] = current
            JOB_LAG.labels(job.name).set(0)
        return bool(ran)

    def _last_run(self, job: Job) -> LastRun | None:
        with self.transactions.read(Call()) as tx:
            return tx.execute(_LAST_RUN, {"job": job.name}).one_or_none()

    def _run_tick(self, job: Job, tick: datetime) -> bool:
        """Run a tick unless another replica has. Rounds behind the first are bounded; those that a crash cuts off are not made up for."""
        started = time.perf_counter()
        call = Call(request_id=f"job-{job.name}-{new_id().hex}", work=job.name)
        done = run_with_retries(lambda: self._begin_tick(job, tick, call))
        if done is _TAKEN:
            return False
        rounds = 1
        while done is MORE and rounds < ROUNDS_MAX:
            done = run_with_retries(lambda: self._go_on(job, tick, Call(request_id=call.request_id, work=job.name)))
            rounds += 1
        if done is MORE:
            get_logger().warning("job.unfinished", job=job.name, rounds=rounds)
        JOB_RUNS.labels(job.name, "ok").inc()
        JOB_SECONDS.labels(job.name).observe(time.perf_counter() - started)
        JOB_LAST_SUCCESS.labels(job.name).set(self.transactions.clock.now().timestamp())
        return True

    def _begin_tick(self, job: Job, tick: datetime, call: Call) -> object:
        with self.transactions.write(call) as tx:
            if tx.execute(_CLAIM_TICK, {"job": job.name, "tick": tick, "now": tx.now}).rowcount == 0:
                return _TAKEN
            return job.work(tx, tick)

    def _go_on(self, job: Job, tick: datetime, call: Call) -> object:
        with self.transactions.write(call) as tx:
            return job.work(tx, tick)
