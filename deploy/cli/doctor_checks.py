"""What `marketmesh doctor` looks at: each question yields findings, and each runs in a thread of its own.

Imports little, because imports delay the first question.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import jwt
import psycopg
import redis
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from psycopg.rows import namedtuple_row

from deploy.dev.environment import REPOSITORY
from deploy.dev.keys import OPERATOR
from deploy.tools.connection import database_url
from deploy.tools.contracts import services_present
from meshkit.service_keys import PublicHalves, half_of, owner_of
from meshkit.settings import MeshSettings

if TYPE_CHECKING:
    from deploy.tools.topology import Topology

    Connection = psycopg.Connection[Any]

# Whether it is healthy, what was looked at, and what to do when it is not.
Finding = tuple[bool, str, str]

_LEAST = {"protovalidate": (2, 1), "grpcio": (1, 85), "sqlalchemy": (2, 1)}
_TIMEOUT_S = 2
_KEYS_PAGE = "docs/runbooks/service-keys.md"
_STORAGE = "https://storage.googleapis.com/"
# An event is on its way for milliseconds; a minute is ten attempts.
_OUTBOX_AGE_MAX_S = 60
_WAREHOUSE_AGE_MAX_S = 600
# A job whose tick is short may be late by this much without anything being wrong.
_JOB_SLACK = timedelta(minutes=2)

_REVISION = "SELECT version_num FROM alembic_version"
_DEAD = """
    SELECT (SELECT count(*) FROM outbox_dlq WHERE replayed_at IS NULL AND discarded_at IS NULL)
         + (SELECT count(*) FROM inbox_dlq WHERE replayed_at IS NULL AND discarded_at IS NULL) AS dead
"""
_OUTBOX = """
    SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint AS age_s
    FROM outbox WHERE published_at IS NULL
"""
# How often a job runs is the least time between its ticks; a clock or a night without a stack makes only longer ones.
_JOBS = """
    SELECT job, max(finished_at) AS finished_at, now() - max(finished_at) AS silent, min(gap) AS every
    FROM (SELECT DISTINCT job FROM job_runs) AS known, LATERAL (
        SELECT finished_at, lag(tick) OVER (ORDER BY tick DESC) - tick AS gap
        FROM job_runs AS run WHERE run.job = known.job ORDER BY tick DESC LIMIT 20) AS runs
    GROUP BY job ORDER BY job
"""
_WAREHOUSE = """
    SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint AS age_s
    FROM warehouse_rows WHERE loaded_at IS NULL
"""


def questions() -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
    """Yield all questions under the names of what they are about; whoever iterates may ask at once."""
    services = services_present()
    yield "versions", _versions
    yield "settings", _settings
    yield "service keys", _service_keys
    for name in services:
        yield f"database {name}", partial(_database, name)
    yield "redis", _redis
    if "media" in services:
        yield "object store", _object_store
    if os.environ.get("ANALYTICS_BIGQUERY_URL"):
        yield "warehouse", _warehouse
    for name in services:
        yield f"service {name}", partial(_service, name)
    yield "gateway", _gateway
    # Takes as long to import as all the rest, which answers meanwhile. Not in the question's thread: several threads that
    # import may wait for each other.
    from deploy.tools.topology import declared

    yield "topics", partial(_topics, declared())


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


def _service_keys() -> Iterator[Finding]:
    """Look whether everybody who may call services has a public key, nobody else has, and ours is one of them."""
    mesh = MeshSettings()
    halves = PublicHalves(mesh.service_keys_folder)
    known = halves.read()
    callers, owners = {*services_present(), OPERATOR}, {owner_of(key_id) for key_id in known}
    for name, reason in sorted(halves.unusable.items()):
        yield False, f"public key in {name}", f"The file {reason}, so it counts as missing: {_KEYS_PAGE}."
    for caller in sorted(callers - owners):
        yield False, f"public key of {caller}", f"MESH_SERVICE_KEYS_FOLDER has no {caller}.pem: {_KEYS_PAGE}."
    for stranger in sorted(owners - callers):
        yield False, f"public key of {stranger}", f"It is no service; take {stranger}.pem away: {_KEYS_PAGE}."
    if callers == owners:
        yield True, f"public keys of {len(callers)} callers: {len(known)}", ""
    owner = owner_of(half_of(mesh.service_key_file, known=known))
    advice = f"Its public half is not in MESH_SERVICE_KEYS_FOLDER: {_KEYS_PAGE}."
    yield bool(owner), f"MESH_SERVICE_KEY_FILE is the key of {owner or 'nobody'}", advice


def _database(service: str) -> Iterator[Finding]:
    """Look at a service's database: its revision, and what waits or lies dead in it."""
    address = database_url(service).replace("postgresql+psycopg://", "postgresql://")
    try:
        connection = psycopg.connect(
            address,
            connect_timeout=_TIMEOUT_S,
            options=f"-c statement_timeout={_TIMEOUT_S}s",
            row_factory=namedtuple_row,
        )
    except psycopg.OperationalError as error:
        yield False, f"database {service}", f"It does not answer: {' '.join(str(error).split())[:160]}"
        return
    head = head_of(service)
    with connection:
        current = next((row[0] for row in connection.execute(_REVISION)), None)
        advice = f"It is at {current}: run `marketmesh migrate {service}`."
        yield current == head, f"database {service} at revision {current}", advice
        if current == head:
            yield from _dead_letters(service, connection)
            yield from _outbox(service, connection)
            yield from _jobs(service, connection)
            if service == "analytics":
                yield from _warehouse_rows(connection)


def head_of(service: str) -> str:
    """Return the newest revision of a service's migrations, as alembic would say; importing that takes a second."""
    texts = [path.read_text() for path in (REPOSITORY / "services" / service / "migrations" / "versions").glob("*.py")]
    revisions = {name for text in texts for name in re.findall(r'^revision = "(\w+)"', text, re.MULTILINE)}
    followed = {name for text in texts for name in re.findall(r'^down_revision = "(\w+)"', text, re.MULTILINE)}
    head: str = (revisions - followed).pop()
    return head


def _dead_letters(service: str, connection: Connection) -> Iterator[Finding]:
    ((dead,),) = connection.execute(_DEAD).fetchall()
    advice = f"Run `marketmesh dlq list --service {service}`; docs/runbooks/dead-letters.md."
    yield dead == 0, f"dead letters of {service}: {dead}", advice


def _outbox(service: str, connection: Connection) -> Iterator[Finding]:
    ((waiting, age_s),) = connection.execute(_OUTBOX).fetchall()
    what = f"outbox of {service}: {waiting} wait" + (f", the oldest for {age_s} s" if waiting else "")
    yield age_s <= _OUTBOX_AGE_MAX_S, what, "The relay is behind or stopped: docs/runbooks/outbox-growing.md."


def _jobs(service: str, connection: Connection) -> Iterator[Finding]:
    """Tell which jobs are late; how often one runs is read from its own ticks."""
    rows = connection.execute(_JOBS).fetchall()
    late = [row for row in rows if row.every is not None and row.silent > 3 * row.every + _JOB_SLACK]
    for row in late:
        what = f"job {row.job} of {service} last succeeded at {row.finished_at:%Y-%m-%dT%H:%M:%SZ}"
        yield False, what, f"It runs every {row.every}: look for job.failed in the log of {service}."
    if not late:
        last = max((row.finished_at for row in rows), default=None)
        suffix = f", last success {last:%Y-%m-%dT%H:%M:%SZ}" if last else ""
        yield True, f"jobs of {service}: {len(rows)} in time{suffix}", ""


def _warehouse_rows(connection: Connection) -> Iterator[Finding]:
    ((waiting, age_s),) = connection.execute(_WAREHOUSE).fetchall()
    what = f"warehouse: {waiting} rows wait" + (f", the oldest for {age_s} s" if waiting else "")
    yield (
        age_s <= _WAREHOUSE_AGE_MAX_S,
        what,
        "The loader is behind or the warehouse away: docs/runbooks/warehouse-away.md.",
    )


def _object_store() -> Iterator[Finding]:
    """Look whether its bucket is there; without credentials, or allowed only to what is in it, at least whether it answers."""
    url, bucket = os.environ["MEDIA_STORAGE_URL"], os.environ["MEDIA_BUCKET"]
    answer = _web().get(f"{url}/storage/v1/b/{bucket}", headers=_media_credentials(), timeout=_TIMEOUT_S)
    healthy = answer.status_code in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    seen = f"bucket {bucket} of object store {url}" if answer.ok else f"object store {url}"
    yield healthy, seen, f"Bucket {bucket}: it answers {answer.status_code}."


def _media_credentials() -> dict[str, str]:
    """Return what media's own account says to the store, a token that it signs itself; nothing without its key."""
    key_file = Path(os.environ.get("MEDIA_SIGNING_KEY_FILE", ""))
    if not key_file.is_file():
        return {}
    account = json.loads(key_file.read_text())
    now = int(time.time())
    claims = {"iss": account["client_email"], "sub": account["client_email"], "aud": _STORAGE, "iat": now}
    token = jwt.encode(
        {**claims, "exp": now + 60},
        account["private_key"],
        algorithm="RS256",
        headers={"kid": account["private_key_id"]},
    )
    return {"authorization": f"Bearer {token}"}


def _warehouse() -> Iterator[Finding]:
    """Look whether the warehouse of the embedded stack answers at all; it does other things first, so it gets all the time.

    Google's own is reached by analytics alone, which has the credentials: whether that works is seen from the queue.
    """
    url = os.environ["ANALYTICS_BIGQUERY_URL"]
    answer = _web().get(url, timeout=2 * _TIMEOUT_S)
    yield True, f"warehouse {url} answers {answer.status_code}", ""


def _redis() -> Iterator[Finding]:
    client = redis.Redis.from_url(
        MeshSettings().redis_url, socket_connect_timeout=_TIMEOUT_S, socket_timeout=_TIMEOUT_S
    )
    yield bool(client.ping()), "redis answers", "Start it; without it rate limits let everything through."


def _topics(topology: Topology) -> Iterator[Finding]:
    from deploy.tools.topology import different
    from meshkit.events.bus import Bus

    mesh = MeshSettings()
    bus = Bus(project=mesh.pubsub_project)
    project = f"projects/{mesh.pubsub_project}"
    topics = {
        topic.name for topic in bus.publisher.list_topics(request={"project": project}, timeout=_TIMEOUT_S, retry=None)
    }
    wrong = [topic for topic in topology.topics if bus.topic_path(topic) not in topics]
    wrong += different(bus, topology)
    what = f"{len(topology.topics)} topics, {len(topology.consumers)} subscriptions"
    yield not wrong, what, f"Missing or not as declared: {', '.join(wrong[:5])}. Run `marketmesh topology apply`."


def _service(service: str) -> Iterator[Finding]:
    address = MeshSettings().address_of(service)
    with grpc.insecure_channel(address) as channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)  # type: ignore[attr-defined]
            ready = answer.status == health_pb2.HealthCheckResponse.SERVING
            advice = "It runs but is not ready: look at its log for what it waits for."
        except grpc.RpcError as error:
            ready, advice = False, f"It does not answer at {address}: {error.code().name}"
    yield ready, f"service {service} at {address}", advice


def _gateway() -> Iterator[Finding]:
    url = os.environ.get("MESH_PUBLIC_URL")
    if not url:
        yield False, "gateway", "Its address is not known: set MESH_PUBLIC_URL, for example https://market.example."
        return
    answer = _web().get(f"{url}/health/ready", timeout=_TIMEOUT_S)
    yield (
        answer.status_code == HTTPStatus.OK,
        f"gateway {url}",
        f"/health/ready answers {answer.status_code}: {answer.text[:200]}",
    )


def _web() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session
