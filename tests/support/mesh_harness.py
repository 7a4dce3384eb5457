"""Services under test, in this process: real Postgres and Valkey, real gRPC servers with the whole interceptor chain.

The clock is fixed and shared; events travel when a test says so (`pump`), through the services' real consumers.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from sqlalchemy import text

from deploy.dev import databases, environment, keys
from deploy.dev.ports import Ports
from deploy.tools.contracts import event_messages
from deploy.tools.waiting import until
from meshkit.call import Call
from meshkit.clock import FixedClock
from meshkit.db import migrate
from meshkit.db.engine import Database
from meshkit.db.tx import Transactions
from meshkit.event_spec import ordering_key_of, spec_of
from meshkit.events.consume import ConsumerRunner
from meshkit.events.envelope import Envelope
from meshkit.principal import SYSTEM, Audience, Principal
from meshkit.service import Process, ServiceSpec
from meshkit.service_keys import PublicHalves, ServiceKey, own_key
from meshkit.settings import MeshSettings
from services.identity.outbound.tokens import AccessClaims, TokenMint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.message import Message

    from deploy.dev.stack import Embedded
    from meshkit.db.tx import Tx

# A loaded machine is no reason to fail; what must be quick is measured elsewhere.
_PATIENCE_S = 60
_MARK_PUBLISHED = text("UPDATE outbox SET published_at = :now WHERE seq = ANY(:seqs)")
_REACHED_SECONDS = 10.0
_FORGET = text("UPDATE outbox SET published_at = :now WHERE published_at IS NULL")
_UNPUBLISHED = text("SELECT * FROM outbox WHERE published_at IS NULL ORDER BY seq")


# The harnesses of this test process that are open.
LIVE: list[MeshHarness] = []


@dataclass(frozen=True)
class Violated:
    """One field that was refused."""

    field: str
    description: str


class Refused(Exception):
    """An RPC was refused; everything its status says."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(f"{error.code()}: {error.details()}")
        self.code: str = error.code().name
        self.message: str = error.details() or ""
        self.headers = {key: value for key, value in error.initial_metadata() or () if isinstance(value, str)}
        self.status = rpc_status.from_call(error)
        self.reason, self.metadata, self.violations = "", {}, []
        for detail in self.status.details if self.status else ():
            self._read(detail)

    def _read(self, detail: Any) -> None:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            self.violations = [Violated(item.field, item.description) for item in bad.field_violations]


@dataclass
class Running:
    """One service that answers on a port of its own."""

    process: Process
    channel: grpc.Channel
    stop: Any


@dataclass
class MeshHarness:
    """The services a test works with; started when first asked for."""

    stack: Embedded
    clock: FixedClock = field(default_factory=lambda: FixedClock(datetime.now(UTC).replace(microsecond=0)))
    # What its services are told differently (fields of MeshSettings).
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        LIVE.append(self)
        self._ports = Ports.free()
        self._running: dict[str, Running] = {}
        self._key_files = keys.ensure_key_files(self.stack.state)
        logins = self.stack.state.folder / "logins.json"
        variables = environment.command_line(
            addresses=self.stack.addresses, key_files=self._key_files, demo_logins=logins
        )
        os.environ.update({name: value for name, value in variables.items() if "_" in name})

    @cached_property
    def mint(self) -> TokenMint:
        """Mints access tokens as identity does."""
        return TokenMint(
            signing_key_file=self._key_files["IDENTITY_SIGNING_KEY_FILE"], access_lifetime=timedelta(minutes=15)
        )

    def start(self, *names: str) -> None:
        """Start services that are not running yet."""
        for name in names:
            if name not in self._running:
                self._running[name] = self._start(name)
                with self.transaction(name) as tx:
                    tx.execute(_FORGET, {"now": tx.now})
                self._wait_until_reached(name)

    def _wait_until_reached(self, name: str) -> None:
        """Wait for those who have called the service before: after it was away they connect again in their own time."""
        for running in self._running.values():
            channel = running.process._channels.get(name)
            if channel is not None:
                grpc.channel_ready_future(channel.grpc).result(timeout=_REACHED_SECONDS)

    def _start(self, name: str) -> Running:
        spec: ServiceSpec = importlib.import_module(f"services.{name}.service").SPEC
        databases.ensure_databases(self.stack.addresses.superuser_dsn, (name,), self.stack.addresses.passwords)
        migrate.upgrade(service=name, url=self.stack.addresses.database_url(name, kind="owner"))
        addresses = {service: f"127.0.0.1:{port}" for service, port in self._ports.grpc.items()}
        limits = self.stack.state.folder / "ratelimits.toml"
        if not limits.exists():
            limits.write_text(_generous_limits())
        key_file = self._key_files[keys.private_key_of(name)]
        own = {"rate_limits_file": limits, "service_key_file": key_file, **self.settings}
        mesh = MeshSettings(grpc_port=self._ports.grpc[name], addresses=addresses, **own)
        process = Process(spec, mesh, self.clock)
        process.wiring = dataclasses.replace(process.wiring, public_keys=self.mint.public_keys)
        server = process.build_server()
        server.start()
        server.set_ready(ready=True)
        channel = grpc.insecure_channel(f"127.0.0.1:{self._ports.grpc[name]}")
        return Running(process, channel, lambda: server.stop(grace_s=0.2))

    def stop(self, name: str) -> None:
        """Take a service away, as a crash would; `start` brings it back."""
        running = self._running.pop(name)
        running.channel.close()
        running.stop()
        running.process.drained.set()
        running.process.database.close()

    def close(self) -> None:
        """Stop everything."""
        LIVE.remove(self)
        for name in list(self._running):
            self.stop(name)

    def process(self, name: str) -> Process:
        """Return a service's process; starts it."""
        self.start(name)
        return self._running[name].process

    def stub(self, stub_class: type[Any], service: str) -> Any:
        """Return a client stub of a service; starts it."""
        self.start(service)
        return stub_class(self._running[service].channel)

    def call(
        self, method: Any, request: Message, *, token: str = "", key: str = "", **metadata: str
    ) -> tuple[Any, dict[str, str]]:
        """Call; returns the answer and its headers. Raises Refused."""
        headers = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        if key:
            headers.append(("idempotency-key", key))
        try:
            answer, info = method.with_call(request, metadata=headers, timeout=_PATIENCE_S)
        except grpc.RpcError as error:
            raise Refused(error) from None
        return answer, {name: value for name, value in info.initial_metadata() if isinstance(value, str)}

    def write(self, method: Any, request: Message, *, token: str) -> Any:
        """Call a write with a fresh idempotency key; returns the answer."""
        return self.call(method, request, token=token, key=uuid.uuid4().hex)[0]

    def read(self, method: Any, request: Message, *, token: str) -> Any:
        """Call a read; returns the answer."""
        return self.call(method, request, token=token)[0]

    def store_token(
        self,
        store_id: uuid.UUID | str,
        *,
        role: str = "owner",
        store_type: str = "vendor",
        kyc: str = "verified",
        user_id: uuid.UUID | None = None,
    ) -> str:
        """Return the token of a member of a store."""
        return self._token(
            AccessClaims(
                audience=Audience.STORE.value,
                user_id=user_id or uuid.uuid4(),
                session_id=uuid.uuid4(),
                role=role,
                store_id=uuid.UUID(str(store_id)),
                store_type=store_type,
                kyc_status=kyc,
            )
        )

    def admin_token(self, user_id: uuid.UUID | None = None) -> str:
        """Return the token of an administrator."""
        return self._system_token(Audience.ADMIN, "admin", user_id)

    def agent_token(self, user_id: uuid.UUID | None = None) -> str:
        """Return the token of a delivery agent."""
        return self._system_token(Audience.AGENT, "agent", user_id)

    def _system_token(self, audience: Audience, role: str, user_id: uuid.UUID | None) -> str:
        return self._token(
            AccessClaims(audience=audience.value, user_id=user_id or uuid.uuid4(), session_id=uuid.uuid4(), role=role)
        )

    def _token(self, claims: AccessClaims) -> str:
        return self.mint.access_token(claims, now=self.clock.now())

    def service_token(self, service: str = "commerce") -> str:
        """Return the token with which another service calls."""
        return self.service_key(service).token(self.clock.now())

    def service_key(self, service: str) -> ServiceKey:
        """Return the key with which a service signs."""
        known = PublicHalves(self._key_files["MESH_SERVICE_KEYS_FOLDER"]).read()
        return own_key(self._key_files[keys.private_key_of(service)], service=service, known=known)

    @contextmanager
    def transaction(self, service: str, principal: Principal = SYSTEM) -> Iterator[Tx]:
        """Open a transaction on a service's database; commits at the end."""
        call = Call(principal=principal, request_id=f"test-{uuid.uuid4().hex}")
        with self.process(service).transactions.write(call) as tx:
            yield tx

    @contextmanager
    def as_owner(self, service: str) -> Iterator[Tx]:
        """Open a transaction as the database's owner, for what no service may do; commits at the end."""
        self.start(service)
        database = Database(self.stack.addresses.database_url(service, kind="owner"), pool_size=1)
        try:
            with Transactions(database=database, clock=self.clock, source=service).write(Call()) as tx:
                yield tx
        finally:
            database.close()

    def rows(self, service: str, sql: str, **parameters: Any) -> list[Any]:
        """Return the rows of a query on a service's database."""
        with self.process(service).transactions.read(Call()) as tx:
            return list(tx.execute(text(sql), parameters).all())

    def deliver(self, service: str, event: Message, *, event_id: uuid.UUID | None = None) -> uuid.UUID:
        """Deliver an event to a service's consumers, as the bus would; returns its id."""
        envelope = envelope_of(event, event_id=event_id)
        self.deliver_envelope(service, envelope)
        return envelope.event_id

    def deliver_together(self, service: str, events: Sequence[Message]) -> None:
        """Deliver events of one topic in one batch."""
        self.deliver_envelopes(service, [envelope_of(event) for event in events])

    def deliver_envelope(self, service: str, envelope: Envelope) -> None:
        """Deliver an envelope to those of a service's consumers that read its topic."""
        self.deliver_envelopes(service, [envelope])

    def deliver_envelopes(self, service: str, envelopes: Sequence[Envelope]) -> None:
        """Deliver envelopes of one topic, in one batch, to those of a service's consumers that read it."""
        process = self.process(service)
        for consumer in process.wiring.consumers:
            if consumer.topic == envelopes[0].topic:
                runner = ConsumerRunner(consumer, process.transactions, None)  # type: ignore[arg-type]
                runner._handle_together(envelopes)

    def wait_for_a_waiter(self, service: str) -> None:
        """Return once a session of a service's database waits for a lock, so that a race is staged."""
        sql = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        until(f"a call of {service} waits", lambda: self.rows(service, sql), seconds=5)

    def events(self, service: str, event_class: type[Message] | None = None) -> list[Any]:
        """Return a service's outbox, oldest first, decoded; only one type of event if given."""
        specs = {descriptor: spec_of(descriptor) for descriptor in event_messages()}
        types = {(spec.type, spec.version): descriptor._concrete_class for descriptor, spec in specs.items()}
        rows = self.rows(service, "SELECT * FROM outbox ORDER BY seq")
        # Other tests leave unreadable ones.
        wanted = [row for row in rows if event_class is None or types[row.type, row.version] is event_class]
        return [types[row.type, row.version].FromString(bytes(row.payload)) for row in wanted]

    def forget_events(self) -> None:
        """Leave undelivered what earlier tests emitted: their events are none of this test's."""
        for name in list(self._running):
            with self.transaction(name) as tx:
                tx.execute(_FORGET, {"now": tx.now})

    def pump(self) -> int:
        """Deliver unpublished events among the running services until none is left; returns how many."""
        total = 0
        while delivered := sum(self._pump_service(name) for name in list(self._running)):
            total += delivered
        return total

    def _pump_service(self, name: str) -> int:
        rows = []
        with self.transaction(name) as tx:
            rows = tx.execute(_UNPUBLISHED).all()
            tx.execute(_MARK_PUBLISHED, {"now": tx.now, "seqs": [row.seq for row in rows]})
        for row in rows:
            envelope = Envelope(
                event_id=row.event_id,
                type=row.type,
                version=row.version,
                topic=row.topic,
                ordering_key=row.ordering_key,
                payload=bytes(row.payload),
                headers=row.headers,
            )
            for target in list(self._running):
                self.deliver_envelope(target, envelope)
        return len(rows)


def envelope_of(event: Message, *, event_id: uuid.UUID | None = None) -> Envelope:
    """Return an event as the bus would bring it."""
    spec = spec_of(event.DESCRIPTOR)
    return Envelope(
        event_id=event_id or uuid.uuid4(),
        type=spec.type,
        version=spec.version,
        topic=spec.topic,
        ordering_key=ordering_key_of(event),
        payload=event.SerializeToString(),
        headers={"x-request-id": "test"},
    )


def as_dict(message: Message) -> dict[str, Any]:
    """Return a message as REST readers see it, default values included."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _generous_limits() -> str:
    names = ("login", "register", "refresh", "public_read", "quote")
    return "\n".join(f'[{name}]\nip = "1000000/minute"\n' for name in names)
