"""Blocking questions "is it ready?", each with its own time limit. Asked by the supervisor in a thread."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import urllib.error
import urllib.request

from deploy.dev.part import Probe
from deploy.dev.ports import HOST

# The supervisor forks; gRPC's fork handlers would only get in the way of a fork that execs at once.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_TIMEOUT_S = 2.0
# What each says something to, whatever it then says: Valkey to a command, Postgres to who asks for encryption.
REDIS_COMMAND = b"PING\r\n"
POSTGRES_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
# A developer's http_proxy must not be asked for our own loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def listening(port: int) -> Probe:
    """Ready when the port accepts a connection."""

    def probe() -> bool:
        try:
            socket.create_connection((HOST, port), timeout=_TIMEOUT_S).close()
        except OSError:
            return False
        return True

    return probe


def answering(url: str) -> Probe:
    """Ready when GET returns 200."""

    def probe() -> bool:
        try:
            with _OPENER.open(url, timeout=_TIMEOUT_S) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError, ValueError):
            return False

    return probe


def responding(url: str) -> Probe:
    """Whether the HTTP server answers at all, whatever it says."""

    def probe() -> bool:
        try:
            _OPENER.open(url, timeout=_TIMEOUT_S).close()
        except urllib.error.HTTPError as error:
            error.close()
        except (OSError, ValueError):
            return False
        return True

    return probe


def replying(port: int, greeting: bytes) -> Probe:
    """Whether the server on the port says anything to the greeting; a hung one's port still accepts."""

    def probe() -> bool:
        try:
            with socket.create_connection((HOST, port), timeout=_TIMEOUT_S) as connection:
                connection.sendall(greeting)
                return bool(connection.recv(1))
        except OSError:
            return False

    return probe


def talking(port: int) -> Probe:
    """Whether the gRPC server on the port answers a health check, whatever it says; its port being closed is an answer."""

    def probe() -> bool:
        with grpc.insecure_channel(f"{HOST}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
            try:
                health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)  # type: ignore[attr-defined]
            except grpc.RpcError as error:
                return bool(error.code() != grpc.StatusCode.DEADLINE_EXCEEDED)
        return True

    return probe


def succeeding(*argv: str) -> Probe:
    """Ready when the command exits with 0."""

    def probe() -> bool:
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    return probe


def serving(port: int) -> Probe:
    """Ready when the gRPC health service answers SERVING for the whole server."""
    accepts = listening(port)

    def probe() -> bool:
        if not accepts():
            return False
        with grpc.insecure_channel(f"{HOST}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
            try:
                reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)  # type: ignore[attr-defined]
            except grpc.RpcError:
                return False
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)

    return probe
