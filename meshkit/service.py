"""What a service is made of, and the process that runs it: serve, relay, consume, jobs, or all of them at once."""

from __future__ import annotations

import hmac
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import redis

from meshkit import crash
from meshkit.audit_anchor import Anchorer, Anchors
from meshkit.auth import Authenticator, KeySet
from meshkit.chassis_jobs import chassis_jobs
from meshkit.clock import Clock, MovedClock, SystemClock
from meshkit.db.engine import Database
from meshkit.db.tx import Transactions
from meshkit.events.bus import Bus
from meshkit.events.consume import ConsumerRunner
from meshkit.events.registry import Consumer
from meshkit.events.relay import Relay
from meshkit.grpc.channel import Channel
from meshkit.grpc.guard import Guard
from meshkit.grpc.interceptor import PolicyInterceptor
from meshkit.grpc.policy import callers_without_key
from meshkit.grpc.server import GrpcServer, Servicer, collect_policies
from meshkit.grpc.unit_of_work import UnitOfWork
from meshkit.jobs import Job, JobRunner
from meshkit.loops import Loops
from meshkit.obs.logging import get_logger
from meshkit.presence import Presence
from meshkit.ratelimit import RateLimiter, load_buckets
from meshkit.resume import FlowResumer
from meshkit.revocation import Revocations
from meshkit.service_keys import KEYS_KEPT_SECONDS, PublicHalves, own_key, owner_of
from meshkit.settings import RetentionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import MetaData

    from meshkit.settings import DatabaseSettings, MeshSettings

RESUME_EVERY_S = 1.0
READINESS_EVERY_S = 1.0
DRAIN_SECONDS = 6.0
ROLES = ("serve", "relay", "consume", "jobs")


@dataclass(frozen=True)
class Parts:
    """What the composition root of a service gets to build its servicers from."""

    mesh: MeshSettings
    clock: Clock
    transactions: Transactions
    channel: Callable[[str], Channel]


@dataclass(frozen=True)
class Wiring:
    """What a service adds to the chassis, built from its Parts."""

    servicers: tuple[Servicer, ...]
    consumers: tuple[Consumer, ...] = ()
    jobs: tuple[Job, ...] = ()
    # Endless helpers that run beside the RPC threads; each gets the stop event.
    loops: tuple[Callable[[threading.Event], None], ...] = ()
    # Only identity has its keys at hand; everybody else asks it.
    public_keys: Callable[[], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class ServiceSpec:
    """A service: its name, database tables, settings and wiring."""

    name: str
    metadata: MetaData
    database_settings: Callable[[], DatabaseSettings]
    wire: Callable[[Parts], Wiring]


@dataclass
class Process:
    """One running process of a service, in one or several roles."""

    spec: ServiceSpec
    mesh: MeshSettings
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        settings = self.spec.database_settings()
        if self.mesh.crash_file:
            crash.arm(service=self.spec.name, file=self.mesh.crash_file)
        if self.mesh.clock_file and isinstance(self.clock, SystemClock):
            self.clock = MovedClock(service=self.spec.name, file=self.mesh.clock_file)
        self.kept = RetentionSettings()
        # Set on SIGTERM; `stop` follows once callers have noticed and send no more calls.
        self.asked_to_stop = threading.Event()
        self.stop = threading.Event()
        self.wake = threading.Event()
        self.database = Database(settings.database_url, pool_size=settings.database_pool)
        self.transactions = Transactions(
            database=self.database, clock=self.clock, source=self.spec.name, on_events=self.wake.set
        )
        self._public_halves = PublicHalves(self.mesh.service_keys_folder)
        known = self._public_halves.read()
        self._key = own_key(self.mesh.service_key_file, service=self.spec.name, known=known)
        self._digest_key = self.mesh.digest_key_file.read_text().strip()
        self._channels: dict[str, Channel] = {}
        parts = Parts(self.mesh, self.clock, self.transactions, self.channel)
        self.wiring = self.spec.wire(parts)
        self.policies = collect_policies(self.wiring.servicers)
        if strangers := callers_without_key(self.policies.values(), known={owner_of(key_id) for key_id in known}):
            get_logger().error("service_keys.callers_without_key", callers=strangers)
        self.presence = Presence(settings.database_url)
        hash_key = hmac.digest(
            self._digest_key.encode(), b"marketmesh idempotency " + self.spec.name.encode(), "sha256"
        )
        self.unit_of_work = UnitOfWork(
            self.transactions, hash_key, timedelta(seconds=self.mesh.flow_lease_s), self.presence
        )
        self.revocations = Revocations(None)
        self.loops = Loops()
        # Set when the last call has been answered.
        self.drained = threading.Event()

    def channel(self, target: str) -> Channel:
        """Return the channel to another service; one per target."""
        if target not in self._channels:
            self._channels[target] = Channel(
                key=self._key, target=target, address=self.mesh.address_of(target), clock=self.clock
            )
        return self._channels[target]

    def build_server(self) -> GrpcServer:
        """Return the gRPC server, not started. Raises PolicyError, LookupError for an incomplete contract."""
        limiter = RateLimiter(buckets=load_buckets(self.mesh.rate_limits_file), redis_url=self.mesh.redis_url)
        limiter.require({policy.rate_limit for policy in self.policies.values()})
        client = redis.Redis.from_url(self.mesh.redis_url, socket_timeout=2, socket_connect_timeout=2)
        self.revocations = Revocations(client)
        self.loops.start("revocations", self.revocations.run, until=self.drained)
        people = KeySet(self.wiring.public_keys or self._keys_of_identity)
        services = KeySet(self._public_halves.read_or_last, KEYS_KEPT_SECONDS)
        guard = Guard(Authenticator(people=people, services=services, clock=self.clock), self.revocations, limiter)
        interceptor = PolicyInterceptor(self.spec.name, self.policies, guard, self.unit_of_work)
        return GrpcServer(servicers=self.wiring.servicers, interceptor=interceptor, settings=self.mesh)

    def run(self, roles: tuple[str, ...]) -> None:
        """Run until SIGTERM or SIGINT, then drain. Raises SystemExit when a thread died, so that all are started anew."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._ask_to_stop())
        # Before any flow begins.
        self.presence.hold()
        self._thread("presence", self.presence.watch)
        server = self.build_server() if "serve" in roles else None
        self._start_roles(roles)
        port = server.start() if server else None
        if server:
            self._thread("readiness", lambda stop: self._watch_readiness(server, stop))
            for loop in self.wiring.loops:
                self._thread(getattr(loop, "__qualname__", "loop"), loop)
        get_logger().info("service.started", roles=roles, port=port)
        while not self.asked_to_stop.wait(1.0) and not self.loops.dead():
            pass
        if dead := self.loops.dead():
            get_logger().error("service.thread_died", threads=dead)
        self._drain(server)
        if dead:
            raise SystemExit(1)

    def _ask_to_stop(self) -> None:
        if self.asked_to_stop.is_set():
            self.stop.set()  # asked twice: now
        self.asked_to_stop.set()

    def _drain(self, server: GrpcServer | None) -> None:
        get_logger().info("service.draining")
        if server and self.asked_to_stop.is_set():
            # Callers notice with their next health check; until then every call is still served.
            server.turn_away()
            self.stop.wait(self.mesh.drain_s)
        self.stop.set()
        if server:
            server.stop(grace_s=DRAIN_SECONDS)
        self.drained.set()
        self.wake.set()
        self.loops.join(seconds=DRAIN_SECONDS)
        self.presence.close()
        self.database.close()
        get_logger().info("service.stopped")

    def _start_roles(self, roles: tuple[str, ...]) -> None:
        if "relay" in roles:
            relay = Relay(self.transactions, self._bus(), self.mesh.relay_poll_ms / 1000, self.wake)
            self._thread("relay", relay.run)
        if "consume" in roles:
            for consumer in self.wiring.consumers:
                runner = ConsumerRunner(consumer, self.transactions, self._bus())
                self._thread(f"consume-{consumer.topic}", runner.run)
        if "jobs" in roles:
            jobs = (*chassis_jobs(self.kept), *self.wiring.jobs)
            if self.mesh.audit_anchor_folder:
                anchors = Anchors(self.mesh.audit_anchor_folder, self.spec.name, self._digest_key)
                self._thread("audit-anchor", Anchorer(self.transactions, anchors).run)
            self._thread("jobs", JobRunner(jobs, self.transactions).run)
            self._thread("resume", self._resume_flows)

    def _thread(self, name: str, target: Callable[[threading.Event], None]) -> None:
        self.loops.start(name, target, until=self.stop)

    def _resume_flows(self, stop: threading.Event) -> None:
        servicers = {path: method for item in self.wiring.servicers for path, method in item.methods().items()}
        resumer = FlowResumer(self.unit_of_work, self.policies, servicers)
        while not stop.is_set():
            # Right after the start: flows that the previous process left half-way wait for it.
            resumer.resume_all(self.transactions)
            stop.wait(RESUME_EVERY_S)

    def _watch_readiness(self, server: GrpcServer, stop: threading.Event) -> None:
        ready: bool | None = None
        while not stop.is_set():
            now_ready = self._is_ready()
            if now_ready != ready:
                get_logger().info("service.ready" if now_ready else "service.not_ready")
                server.set_ready(ready=now_ready)
            ready = now_ready
            stop.wait(READINESS_EVERY_S if ready else 0.1)

    def _is_ready(self) -> bool:
        try:
            self.database.ping()
        except Exception:
            return False
        return True

    def _bus(self) -> Bus:
        if not hasattr(self, "_shared_bus"):
            self._shared_bus = Bus(project=self.mesh.pubsub_project)
        return self._shared_bus

    def _keys_of_identity(self) -> Mapping[str, Any]:
        from meshkit.grpc.jwks import fetch_keys

        return fetch_keys(self.channel("identity"))
