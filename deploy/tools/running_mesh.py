"""The whole mesh as `make run` starts it, in a process of its own, on free ports, with a state of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from deploy.dev.environment import REPOSITORY
from deploy.dev.ports import PREFIX, Ports
from deploy.tools.connection import STATE_VARIABLE, use_environment

START_SECONDS = 110


@dataclass
class RunningMesh:
    """A started mesh."""

    process: subprocess.Popen[str]
    url: str
    log: Path
    state: Path

    def pid_of(self, part: str) -> int | None:
        """Return the process of a part (a service, `envoy`, `valkey` …), or None while it is away."""
        started = re.findall(rf" {part} +\| ready in .* \(process (\d+)\)", self.log.read_text())
        return int(started[-1]) if started and _runs(int(started[-1])) else None

    def kill(self, part: str) -> None:
        """Kill a part as a crash would."""
        pid = self.pid_of(part)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """Stop a part's process without ending it: it takes calls and never answers."""
        pid = self.pid_of(part)
        assert pid is not None, f"{part} is not running"
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):  # the supervisor ends what hangs for too long
                os.kill(pid, signal.SIGCONT)

    def wait_ready(self) -> None:
        """Wait until the gateway says that every service is healthy."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.is_ready():
                return
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.2)
        raise AssertionError(f"not ready: {self.log.read_text()[-3000:]}")

    def is_ready(self) -> bool:
        """Return whether the gateway says so."""
        try:
            return requests.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except requests.RequestException:
            return False


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running_mesh(folder: Path) -> Iterator[RunningMesh]:
    """Start the mesh, yield it when it is ready, and stop it as Ctrl-C does."""
    ports = Ports.free().by_name()
    variables = {f"{PREFIX}{name.upper()}": str(port) for name, port in ports.items()}
    limits = {"GATEWAY_RATE_PER_SECOND": "100000", "GATEWAY_AUTH_RATE_PER_SECOND": "100000"}
    own = {**os.environ, **variables, **limits, "MESH_RATE_LIMITS_FILE": str(_limits(folder))}
    # They die often here, and not because they cannot start.
    own.setdefault("MARKETMESH_RESTART_MAX_S", "1")
    for name in [name for name in own if name.endswith("_DATABASE_URL")]:
        del own[name]
    log, state = folder / "mesh.log", folder / "state"
    with log.open("w") as output:
        command = [sys.executable, "-m", "deploy.cli.main", "dev", "--state-dir", str(state)]
        process = subprocess.Popen(command, cwd=REPOSITORY, env=own, stdout=output, stderr=subprocess.STDOUT, text=True)
    mesh = RunningMesh(process, f"http://127.0.0.1:{ports['gateway']}", log, state)
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C stops it" not in log.read_text():
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.2)
        mesh.wait_ready()
        with operator_environment(variables, state):
            yield mesh
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextmanager
def operator_environment(ports: dict[str, str], state: Path) -> Iterator[None]:
    """Let the operator's commands in this process work on that mesh."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.endswith("_DATABASE_URL") or name.startswith("MESH_")]:
        del os.environ[name]
    os.environ.update(ports)
    os.environ[STATE_VARIABLE] = str(state)
    use_environment()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _limits(folder: Path) -> Path:
    """Tests sign in more often than people: keep every bucket, raise its numbers."""
    path = folder / "ratelimits.toml"
    names = ("login", "register", "refresh", "public_read", "quote")
    path.write_text("\n".join(f'[{name}]\nip = "1000000/minute"\n' for name in names))
    return path
