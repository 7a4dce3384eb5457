"""Services as processes of their own on the real parts, with what they log, measure and say about their health."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from deploy.dev import environment, keys
from deploy.dev.environment import REPOSITORY
from deploy.dev.stack import Embedded, embedded
from deploy.tools.topology import create_topics, declared, settle
from deploy.tools.waiting import until
from meshkit.db import migrate
from meshkit.event_spec import ordering_key_of, spec_of
from meshkit.events.bus import Bus, Outgoing
from meshkit.principal import Audience
from services.identity.outbound.tokens import AccessClaims, TokenMint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.message import Message

PATIENCE_S = 60.0


@dataclass
class ServiceProcess:
    """One process of a service."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    address: str
    metrics_url: str

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the log lines that have these values."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if wanted.items() <= line.items()]

    def wait_for_line(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a log line that has these values, and return it."""

        def look() -> list[dict[str, Any]]:
            found = self.lines(**wanted)
            assert found or self.process.poll() is None, self.log.read_text()[-3000:]
            return found

        return until(f"{wanted} in the log of {self.name}", look, seconds=PATIENCE_S)[0]

    def health(self) -> str:
        """Return what the health check says, empty while nobody answers."""
        with grpc.insecure_channel(self.address) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
            except grpc.RpcError:
                return ""
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    def wait_for_health(self, status: str) -> None:
        """Wait until the health check says so."""
        until(f"{self.name} {status}", lambda: self.health() == status, seconds=PATIENCE_S)

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the value of a sample, or None when there is none."""
        text = requests.get(self.metrics_url, timeout=5).text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return next((each.value for each in samples if each.name == name and each.labels == labels), None)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end; returns its exit code."""
        return self.process.wait(PATIENCE_S)


@dataclass
class Workshop:
    """Postgres, Valkey and Pub/Sub with migrated databases and the topology; starts services on them."""

    stack: Embedded
    folder: Path
    started: list[ServiceProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key_files = keys.ensure_key_files(self.stack.state)

    def variables(self, name: str) -> dict[str, str]:
        """Return the environment of a service."""
        return environment.service(name, addresses=self.stack.addresses, key_files=self.key_files)

    def start(self, name: str, command: str = "run", **extra: str) -> ServiceProcess:
        """Start a service."""
        ports = self.stack.addresses.ports
        log = self.folder / f"{name}-{len(self.started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{name}", command],
                cwd=REPOSITORY, env={**self.variables(name), **extra}, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        metrics_url = f"http://127.0.0.1:{ports.metrics[name]}/metrics"
        started = ServiceProcess(name, process, log, f"127.0.0.1:{ports.grpc[name]}", metrics_url)
        self.started.append(started)
        started.wait_for_line(event="service.started")
        return started

    def stop_all(self) -> None:
        """End what still runs."""
        for each in self.started:
            if each.process.poll() is None:
                each.terminate()
        for each in self.started:
            each.wait()
        self.started.clear()

    def database(self, name: str, *, kind: str = "app") -> psycopg.Connection[Any]:
        """Open a connection to a service's database."""
        return psycopg.connect(self.stack.addresses.database_dsn(name, kind=kind), autocommit=True)

    def superuser(self) -> psycopg.Connection[Any]:
        """Open a connection as the superuser."""
        return psycopg.connect(self.stack.addresses.superuser_dsn, autocommit=True)

    def publish(self, event: Message, *, headers: dict[str, str] | None = None) -> str:
        """Publish an event as its owner's relay would; returns its id."""
        spec, event_id = spec_of(event.DESCRIPTOR), str(uuid.uuid4())
        attributes = {
            "ce-id": event_id,
            "ce-type": spec.type,
            "ce-dataversion": str(spec.version),
            **(headers or {}),
        }
        message = Outgoing(event.SerializeToString(), attributes, ordering_key_of(event))
        with self._bus() as bus:
            bus.publish(topic=spec.topic, messages=[message])
        return event_id

    def apply_topology(self) -> None:
        """Make the topics and subscriptions, as `marketmesh topology apply` does."""
        topology = declared()
        with self._bus() as bus:
            create_topics(bus, topology)
            left = [settled for settled in settle(bus, topology) if settled.done == "left"]
        assert left == []

    @contextmanager
    def _bus(self) -> Iterator[Bus]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PUBSUB_EMULATOR_HOST", self.stack.addresses.of("pubsub"))
            bus = Bus(project=environment.PROJECT)
        yield bus
        bus.publisher.transport.close()
        bus.subscriber.transport.close()

    def admin_token(self) -> str:
        """Return the token of an administrator."""
        mint = TokenMint(
            signing_key_file=self.key_files["IDENTITY_SIGNING_KEY_FILE"], access_lifetime=timedelta(minutes=15)
        )
        claims = AccessClaims(
            audience=Audience.ADMIN.value, user_id=uuid.uuid4(), session_id=uuid.uuid4(), role="admin"
        )
        return mint.access_token(claims, now=datetime.now(UTC))


@contextmanager
def workshop(folder: Path, services: Sequence[str]) -> Iterator[Workshop]:
    """Run the parts and prepare them for these services."""
    parts = {"postgres", "valkey", "pubsub"}
    with embedded(parts=parts, state_dir=folder / "state", services=tuple(services)) as stack:
        shop = Workshop(stack, folder)
        for name in services:
            migrate.upgrade(service=name, url=stack.addresses.database_url(name, kind="owner"))
        shop.apply_topology()
        try:
            yield shop
        finally:
            shop.stop_all()
