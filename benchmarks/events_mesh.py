"""The part of the mesh that events need, alone: Postgres, the Pub/Sub server, the consumers of chosen services."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from deploy.dev import environment, keys
from deploy.dev.stack import Embedded, embedded
from deploy.tools import subscriptions
from deploy.tools.topology import declared
from meshkit.clock import SystemClock
from meshkit.db import migrate
from meshkit.db.engine import Database
from meshkit.db.tx import Transactions
from meshkit.events.bus import Bus

CONSUMERS = ("finance", "catalog", "identity", "analytics")
PRODUCER = "commerce"
_START_SECONDS = 60.0


@dataclass
class EventsMesh:
    """What is running, and how to look at it."""

    stack: Embedded
    bus: Bus
    producer: Transactions
    databases: dict[str, psycopg.Connection[tuple[object, ...]]]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, service: str) -> None:
        """Start a service's consumers with a subscription to orders; returns when they pull."""
        for consumer in declared().consumers:
            if consumer.name == service:
                self.bus.subscriber.create_subscription(request=subscriptions.declared(self.bus, consumer))
        own = environment.service(
            service, addresses=self.stack.addresses, key_files=keys.ensure_key_files(self.stack.state)
        )
        log = self.stack.state.logs / f"{service}.log"
        command = [sys.executable, "-m", f"services.{service}", "consume"]
        self.processes[service] = subprocess.Popen(
            command, cwd=environment.REPOSITORY, env={**own, "MESH_METRICS_PORT": "0"}, stdout=log.open("wb")
        )
        deadline = time.monotonic() + _START_SECONDS
        while "service.started" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor time so far by process; ended database sessions count for Postgres."""
        pids = {name: process.pid for name, process in self.processes.items()}
        pids |= {name: self.stack.pids[name] for name in ("postgres", "pubsub")}
        return {name: _cpu_of(psutil.Process(pid)) for name, pid in pids.items()}

    def handled(self, service: str) -> int:
        """Return how many events a service has handled."""
        row = self.databases[service].execute("SELECT count(*) FROM inbox").fetchone()
        assert row is not None
        return int(str(row[0]))

    def effects(self, service: str) -> dict[str, float]:
        """Return when the transaction that handled each event committed, in Unix seconds."""
        rows = self.databases[service].execute(
            "SELECT event_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM inbox"
        )
        return {str(event_id): float(str(at)) for event_id, at in rows}

    def forget(self) -> None:
        """Empty every inbox and the producer's outbox."""
        for connection in self.databases.values():
            connection.execute("TRUNCATE inbox, outbox")


@contextmanager
def events_mesh(folder: Path) -> Iterator[EventsMesh]:
    """Start Postgres and the Pub/Sub server, migrate, and stop it all in the end."""
    # When an effect became visible is only known to Postgres; the switch needs a restart.
    with (
        embedded(parts={"postgres"}, state_dir=folder) as first,
        psycopg.connect(first.addresses.superuser_dsn, autocommit=True) as connection,
    ):
        connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    services = (PRODUCER, *CONSUMERS)
    with embedded(parts={"postgres", "valkey", "pubsub"}, state_dir=folder, services=services) as stack:
        for service in services:
            migrate.upgrade(service=service, url=stack.addresses.database_url(service, kind="owner"))
        os.environ["PUBSUB_EMULATOR_HOST"] = stack.addresses.of("pubsub")
        bus = Bus(project=environment.PROJECT)
        for topic in declared().topics:
            bus.publisher.create_topic(request={"name": bus.topic_path(topic)})
        database = Database(stack.addresses.database_url(PRODUCER))
        producer = Transactions(database=database, clock=SystemClock(), source=PRODUCER)
        mesh = EventsMesh(stack, bus, producer, _connections(stack, services))
        try:
            yield mesh
        finally:
            _stop(list(mesh.processes.values()))
            database.close()


def _connections(stack: Embedded, services: Sequence[str]) -> dict[str, psycopg.Connection[tuple[object, ...]]]:
    return {
        service: psycopg.connect(stack.addresses.database_dsn(service, kind="owner"), autocommit=True)
        for service in services
    }


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(20)


def _cpu_of(process: psutil.Process) -> float:
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
