"""`marketmesh doctor`: look at settings, versions, databases, migrations, topics and services, and say what to mend."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import redis
import requests
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import create_engine

from deploy.cli.connection import NoStack, use_environment
from deploy.cli.console import fail, say
from deploy.cli.contracts import services_present
from deploy.cli.topology import declared, different
from deploy.dev.environment import REPOSITORY
from meshkit.events.bus import Bus
from meshkit.settings import MeshSettings

Finding = tuple[bool, str, str]
_LEAST = {"protovalidate": (2, 1), "grpcio": (1, 85), "sqlalchemy": (2, 1)}


def doctor() -> None:
    """Check everything that keeps the mesh from starting or working; exit 1 when something has to be mended."""
    try:
        use_environment()
    except NoStack as error:
        raise fail(f"doctor: {error}") from None
    sick = 0
    for check in (_versions, _settings, _databases, _redis, _topics, _services, _gateway):
        for healthy, what, advice in _guarded(check):
            sick += not healthy
            say(f"{'ok  ' if healthy else 'MEND'}  {what}" + (f"\n      {advice}" if not healthy else ""),
                colour="" if healthy else "red")  # fmt: skip
    if sick:
        raise fail(f"doctor: {sick} things to mend")
    say("doctor: healthy", colour="green")


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        yield False, check.__name__.strip("_"), f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"


def _versions() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield sys.version_info >= (3, 11), f"python {version}", "Python 3.11 or newer is needed."
    for name, least in _LEAST.items():
        found = importlib.metadata.version(name)
        enough = tuple(int(part) for part in found.split(".")[:2]) >= least
        yield enough, f"{name} {found}", f"At least {'.'.join(map(str, least))} is needed: run scripts/setup.sh."


def _settings() -> Iterator[Finding]:
    MeshSettings()
    yield True, "settings of the mesh", ""
    for name, value in sorted(os.environ.items()):
        if name.endswith("_KEY_FILE"):
            yield Path(value).is_file(), f"{name}", f"The secret {value} is missing; the service cannot start without."


def _databases() -> Iterator[Finding]:
    for service in services_present():
        engine = create_engine(os.environ[f"{service.upper()}_DATABASE_URL"], connect_args={"connect_timeout": 3})
        head = ScriptDirectory(str(REPOSITORY / "services" / service / "migrations")).get_current_head()
        try:
            with engine.connect() as connection:
                current = MigrationContext.configure(connection).get_current_revision()
        except Exception as error:
            yield False, f"database {service}", f"It does not answer: {str(error).splitlines()[0][:160]}"
        else:
            advice = f"It is at {current}: run `marketmesh migrate {service}`."
            yield current == head, f"database {service} at revision {current}", advice
        finally:
            engine.dispose()


def _redis() -> Iterator[Finding]:
    client = redis.Redis.from_url(MeshSettings().redis_url, socket_connect_timeout=2)
    yield bool(client.ping()), "redis answers", "Start it; without it rate limits let everything through."


def _topics() -> Iterator[Finding]:
    mesh = MeshSettings()
    bus = Bus(project=mesh.pubsub_project)
    project = f"projects/{mesh.pubsub_project}"
    topics = {topic.name for topic in bus.publisher.list_topics(request={"project": project}, timeout=5)}
    topology = declared()
    wrong = [topic for topic in topology.topics if bus.topic_path(topic) not in topics]
    wrong += different(bus, topology)
    what = f"{len(topology.topics)} topics, {len(topology.consumers)} subscriptions"
    yield not wrong, what, f"Missing or not as declared: {', '.join(wrong[:5])}. Run `marketmesh topology apply`."


def _services() -> Iterator[Finding]:
    mesh = MeshSettings()
    for service in services_present():
        address = mesh.address_of(service)
        with grpc.insecure_channel(address) as channel:
            try:
                stub = health_pb2_grpc.HealthStub(channel)
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=3)  # type: ignore[attr-defined]
                ready = answer.status == health_pb2.HealthCheckResponse.SERVING
                advice = "It runs but is not ready: look at its log for what it waits for."
            except grpc.RpcError as error:
                ready, advice = False, f"It does not answer at {address}: {error.code().name}"
        yield ready, f"service {service} at {address}", advice


def _gateway() -> Iterator[Finding]:
    url = os.environ.get("MESH_PUBLIC_URL", "")
    session = requests.Session()
    session.trust_env = False
    answer = session.get(f"{url}/health/ready", timeout=5)
    yield (
        answer.status_code == 200,
        f"gateway {url}",
        f"/health/ready answers {answer.status_code}: {answer.text[:200]}",
    )
