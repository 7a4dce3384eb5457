"""A state folder that other users may reach, and the stack as a process of its own."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from deploy.dev.environment import REPOSITORY
from deploy.dev.ports import PREFIX, Ports

PATIENCE_S = 30.0


def eventually(condition: Callable[[], object], *, within_s: float = PATIENCE_S) -> object:
    """Return the first true answer of the condition; fail when none comes in time."""
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s"
        time.sleep(0.02)
    return answer


def gone(family: list[psutil.Process]) -> bool:
    """Return whether none of them runs any more; one that nobody has collected yet does not run."""
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)


@pytest.fixture
def state_dir() -> Iterator[pathlib.Path]:
    # Not tmp_path: its parents are closed to the user that Postgres runs as.
    with tempfile.TemporaryDirectory(prefix="marketmesh-") as folder:
        pathlib.Path(folder).chmod(0o755)
        yield pathlib.Path(folder) / "state"


@dataclasses.dataclass(kw_only=True)
class RunningStack:
    """`marketmesh dev` as a child of the test, with what it prints."""

    process: subprocess.Popen[str]
    output: pathlib.Path
    ports: Ports
    state_dir: pathlib.Path

    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, pattern: str, *, count: int = 1, within_s: float = PATIENCE_S) -> str:
        """Return the output once the pattern has been seen `count` times."""

        def seen() -> bool:
            assert self.process.poll() is None or len(re.findall(pattern, self.text())) >= count, self.text()
            return len(re.findall(pattern, self.text())) >= count

        eventually(seen, within_s=within_s)
        return self.text()

    def pid_of(self, part: str) -> int:
        """Return the process id from the part's latest ready line."""
        return int(re.findall(rf"{part} +\| ready in .* \(process (\d+)\)", self.text())[-1])

    def family(self) -> list[psutil.Process]:
        """Return the supervisor and everything below it."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


Launch = Callable[..., RunningStack]


@pytest.fixture
def launch(state_dir: pathlib.Path) -> Iterator[Launch]:
    """Start stacks that share one state folder and one set of ports; all are ended after the test."""
    ports = Ports.free()
    running: list[RunningStack] = []

    def start(only: str, *, wrapper: tuple[str, ...] = ()) -> RunningStack:
        output = state_dir.parent / f"output-{len(running)}"
        moved = {f"{PREFIX}{name.upper()}": str(port) for name, port in ports.by_name().items()}
        command = [*wrapper, sys.executable, "-m", "deploy.cli.main", "dev"]
        with output.open("w") as stream:
            process = subprocess.Popen(
                [*command, "--state-dir", str(state_dir), "--only", only],
                cwd=REPOSITORY,
                env={**os.environ, **moved},
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
            )
        running.append(RunningStack(process=process, output=output, ports=ports, state_dir=state_dir))
        return running[-1]

    yield start
    for stack in running:
        if stack.process.poll() is None:
            stack.stop()
    shutil.rmtree(state_dir, ignore_errors=True)
