"""Every TCP port of the embedded stack, in one frozen value.

Defaults can be moved one by one (MARKETMESH_PORT_<NAME>) or together (MARKETMESH_PORT_OFFSET).
No two ports are equal. Used by environment (addresses), parts (flags) and stack (check before start).
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import socket
from collections.abc import Iterable, Mapping

import psutil

SERVICES = ("identity", "catalog", "commerce", "fulfillment", "finance", "media", "ads", "analytics")
HOST = "127.0.0.1"
PREFIX = "MARKETMESH_PORT_"
OFFSET_VARIABLE = f"{PREFIX}OFFSET"
_FIRST_GRPC = 9101
_FIRST_METRICS = 9201
# Below the range from which kernels hand out source ports, so that a free port stays free until it is used.
_FREE_BLOCKS = range(20000, 32000, 40)
_FREE_ATTEMPTS = 50
# Between finding a block and using it another test process could find the same one.
_RESERVED: list[socket.socket] = []


class BadPort(Exception):
    """A MARKETMESH_PORT_* variable that cannot be a port; the message names it."""


class PortsTaken(Exception):
    """At least one port is held by somebody else; the message says by whom and what to do."""


def _numbered(first: int) -> dict[str, int]:
    return {service: first + index for index, service in enumerate(SERVICES)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ports:
    """Where each part listens on 127.0.0.1. `grpc` and `metrics` have one port per service."""

    gateway: int = 8080
    envoy_admin: int = 9901
    postgres: int = 15432
    valkey: int = 16379
    pubsub: int = 18085
    gcs: int = 14443
    bigquery_rest: int = 19050
    bigquery_grpc: int = 19060
    smtp: int = 11025
    mail: int = 18025
    grpc: Mapping[str, int] = dataclasses.field(default_factory=lambda: _numbered(_FIRST_GRPC))
    metrics: Mapping[str, int] = dataclasses.field(default_factory=lambda: _numbered(_FIRST_METRICS))

    def by_name(self) -> dict[str, int]:
        """Return all ports under the names used in MARKETMESH_PORT_<NAME>, lower case."""
        fields = (field.name for field in dataclasses.fields(self))
        named = {name: getattr(self, name) for name in fields if name not in ("grpc", "metrics")}
        named |= {service: self.grpc[service] for service in SERVICES}
        named |= {f"{service}_metrics": self.metrics[service] for service in SERVICES}
        return named

    @classmethod
    def from_names(cls, named: Mapping[str, int]) -> Ports:
        """Build from the names of `by_name`; a missing name is a KeyError."""
        rest = dict(named)
        metrics = {service: rest.pop(f"{service}_metrics") for service in SERVICES}
        grpc = {service: rest.pop(service) for service in SERVICES}
        return cls(grpc=grpc, metrics=metrics, **rest)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Ports:
        """Read the variables. Raises BadPort for a word, a number out of range, an unknown name, a port used twice."""
        defaults = cls().by_name()
        known = {PREFIX + name.upper() for name in defaults} | {OFFSET_VARIABLE}
        unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise BadPort(f"{unknown[0]} is not a port of this stack; known are {', '.join(sorted(known))}")
        offset = _number(OFFSET_VARIABLE, environment.get(OFFSET_VARIABLE, "0"))
        named = {}
        for name, default in defaults.items():
            variable = PREFIX + name.upper()
            named[name] = _number(variable, environment[variable]) if variable in environment else default + offset
            if not 1 <= named[name] <= 65535:
                raise BadPort(f"{variable} would be {named[name]}; a port is 1 to 65535")
        _refuse_twins(named)
        return cls.from_names(named)

    @classmethod
    def free(cls) -> Ports:
        """Return a set of ports that are all free now, from one random block, for tests."""
        names = list(cls().by_name())
        for _ in range(_FREE_ATTEMPTS):
            # `secrets`, not `random`: parallel test workers may share one random seed.
            start = secrets.choice(_FREE_BLOCKS)
            if not _reserve(start + _FREE_BLOCKS.step - 1):
                continue
            named = {name: start + index for index, name in enumerate(names)}
            if all(_is_free(port) for port in named.values()):
                return cls.from_names(named)
        raise PortsTaken("found no block of free ports between 20000 and 32000")

    def check_free(self, names: Iterable[str] | None = None) -> None:
        """Raise PortsTaken naming every taken port among `names` (default: all)."""
        named = self.by_name()
        wanted = named if names is None else {name: named[name] for name in names}
        taken = {name: port for name, port in wanted.items() if not _is_free(port)}
        if taken:
            holders = _holders(set(taken.values()))
            raise PortsTaken("\n".join(_complaint(name, port, holders.get(port)) for name, port in taken.items()))


def _reserve(port: int) -> bool:
    """Hold a block by its last port, which nothing else uses, until this process ends; False when somebody else does."""
    sentinel = socket.socket()
    try:
        sentinel.bind((HOST, port))
    except OSError:
        sentinel.close()
        return False
    _RESERVED.append(sentinel)
    return True


def _number(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadPort(f"{variable}={text!r} is not a whole number") from None


def _refuse_twins(named: Mapping[str, int]) -> None:
    seen: dict[int, str] = {}
    for name, port in named.items():
        if port in seen:
            change = f"change {PREFIX}{seen[port].upper()} or {PREFIX}{name.upper()}"
            raise BadPort(f"port {port} is given to both {seen[port]} and {name}; {change}")
        seen[port] = name


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # A port whose last connections are still in TIME_WAIT can be listened on again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _holders(ports: set[int]) -> dict[int, str]:
    """Return a description of the listening process per port, as far as this user may see."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return {}
    found: dict[int, str] = {}
    for connection in connections:
        port = connection.laddr.port if connection.laddr else 0
        if connection.pid and port in ports and connection.status == psutil.CONN_LISTEN:
            found[port] = _describe(connection.pid)
    return found


def _describe(pid: int) -> str:
    try:
        command = " ".join(psutil.Process(pid).cmdline())[:80]
    except psutil.Error:
        command = ""
    return f"process {pid} ({command})" if command else f"process {pid}"


def _complaint(name: str, port: int, holder: str | None) -> str:
    who = holder or "a process this user may not see"
    stop = "stop that process" if holder else f"find and stop it (as root: ss -ltnp 'sport = :{port}')"
    move = f"set {PREFIX}{name.upper()} (or {OFFSET_VARIABLE} to move all)"
    return f"port {port} for {name} is taken by {who}: {stop}, or {move}"
