"""Every part that runs is asked whether it still answers; one that hangs is ended, started again, and it is said."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import os
import pathlib
import signal

import psutil
import pytest

from deploy.dev import keys, probes
from deploy.dev import supervisor as supervisor_module
from deploy.dev.console import Console
from deploy.dev.environment import Addresses
from deploy.dev.part import Part
from deploy.dev.parts import Recipe, build_parts
from deploy.dev.ports import Ports
from deploy.dev.state import State
from deploy.dev.supervisor import Supervisor

from .conftest import gone

# The services and Envoy want the whole stack; what is asked of them is asked of these too.
PARTS = ("postgres", "valkey", "pubsub", "gcs", "mail", "bigquery")


def built(folder: pathlib.Path) -> dict[str, Part]:
    state = State(folder)
    addresses = Addresses(ports=Ports.free(), passwords=keys.ensure_passwords(state))
    return build_parts(Recipe(state=state, addresses=addresses, key_files=keys.ensure_key_files(state)))


class TestEveryPart:
    def test_is_asked_while_it_runs(self, state_dir: pathlib.Path) -> None:
        parts = built(state_dir).values()

        assert [part.name for part in parts if not part.run_once and part.answers is None] == []
        assert {part.name for part in parts} >= {*PARTS, "envoy", "identity", "analytics"}


class TestHanging:
    @pytest.mark.timeout(180)
    def test_is_seen_said_and_ended_by_a_restart(
        self, state_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervisor_module, "_ASK_EVERY_S", 0.05)
        monkeypatch.setattr(probes, "_TIMEOUT_S", 1.0)
        stack = built(state_dir)
        parts = [dataclasses.replace(stack[name], background=False, unanswered_max=5) for name in PARTS]
        screen = io.StringIO()
        seen: list[psutil.Process] = []

        async def main() -> None:
            console = Console(folder=state_dir, stream=screen)
            supervisor = Supervisor(parts=parts, console=console)
            try:
                await supervisor.start()
                first = supervisor.pids()
                seen.extend(psutil.Process(pid) for pid in first.values())
                for pid in first.values():
                    os.kill(pid, signal.SIGSTOP)
                async with asyncio.timeout(120):
                    while not all(self.is_back(screen, name) for name in PARTS):
                        await asyncio.sleep(0.05)
                assert not set(first.values()) & set(supervisor.pids().values())
            finally:
                for process in seen:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.send_signal(signal.SIGCONT)
                await supervisor.stop()
                console.close()

        asyncio.run(main())

        lines = screen.getvalue().splitlines()
        for name in PARTS:
            told, *_ = [line for line in lines if f" {name} " in line and "does not answer any more" in line]
            assert "it hangs, so it is killed" in told
        assert gone(seen)

    @staticmethod
    def is_back(screen: io.StringIO, name: str) -> bool:
        ready = [line for line in screen.getvalue().splitlines() if f" {name} " in line and "ready in" in line]
        return len(ready) == 2
