"""Order, restart, one-shot parts and stopping, with small real processes."""

from __future__ import annotations

import asyncio
import io
import os
import pathlib
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable

import psutil
import pytest

from deploy.dev import child, nursery, probes
from deploy.dev import supervisor as supervisor_module
from deploy.dev.console import Console
from deploy.dev.part import Part
from deploy.dev.ports import Ports
from deploy.dev.supervisor import StartFailed, Supervisor

from .conftest import gone

_SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
_STUBBORN = (
    "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
_PARENT = (
    "import subprocess,sys,time; p=subprocess.Popen([sys.executable,'-c','import time; time.sleep(600)']); "
    "print(p.pid, flush=True); time.sleep(600)"
)


def python(name: str, code: str, **settings: object) -> Part:
    """A part that runs the code, and is ready once it has written a line."""
    return Part(name=name, argv=(sys.executable, "-c", code), environment=dict(os.environ), **settings)


def said(folder: pathlib.Path, name: str) -> Callable[[], bool]:
    """Ready when the part's log has something."""
    return lambda: (folder / f"{name}.log").exists() and bool((folder / f"{name}.log").read_text())


async def eventually(condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


def run(
    folder: pathlib.Path, parts: list[Part], scenario: Callable[[Supervisor, io.StringIO], Awaitable[None]]
) -> tuple[str, list[int]]:
    """Run the scenario on a supervisor, stop it, and return what it said and the pids it had."""
    screen = io.StringIO()
    pids: list[int] = []

    async def main() -> None:
        console = Console(folder=folder, stream=screen)
        supervisor = Supervisor(parts=parts, console=console)
        try:
            await scenario(supervisor, screen)
        finally:
            pids.extend(supervisor.pids().values())
            await supervisor.stop()
            console.close()

    asyncio.run(main())
    return screen.getvalue(), pids


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid)]


class TestStart:
    def test_waits_for_what_a_part_needs(self, tmp_path: pathlib.Path) -> None:
        parts = [
            python("second", _SLEEPER, after=("step",), ready=said(tmp_path, "second")),
            python("step", "print('migrated')", after=("first",), run_once=True),
            python("first", _SLEEPER, ready=said(tmp_path, "first")),
        ]

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()

        screen, pids = run(tmp_path, parts, scenario)

        order = [screen.index(words) for words in ("first  ", "step  ", "second  ")]
        assert order == sorted(order)
        assert len(pids) == 2
        assert alive(pids) == []
        assert (tmp_path / "step.log").read_text() == "migrated\n"

    def test_fails_with_the_output_of_a_failed_step(self, tmp_path: pathlib.Path) -> None:
        parts = [
            python("step", "import sys; print('table is missing'); sys.exit(3)", run_once=True),
            python("never", _SLEEPER, after=("step",)),
        ]

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            with pytest.raises(StartFailed, match=r"step exited with code 3; its last output:\n  \| table is missing"):
                await supervisor.start()

        screen, _ = run(tmp_path, parts, scenario)

        assert "never" not in screen

    def test_fails_when_a_program_is_missing(self, tmp_path: pathlib.Path) -> None:
        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            with pytest.raises(StartFailed, match="gone: FileNotFoundError"):
                await supervisor.start()

        run(tmp_path, [Part(name="gone", argv=("/no/such/program",))], scenario)

    def test_does_not_wait_for_a_background_part(self, tmp_path: pathlib.Path) -> None:
        parts = [python("slow", _SLEEPER, ready=lambda: False, background=True), python("quick", _SLEEPER)]

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            async with asyncio.timeout(5):
                await supervisor.start()

        _, pids = run(tmp_path, parts, scenario)

        assert alive(pids) == []

    def test_shows_warnings_and_keeps_everything(self, tmp_path: pathlib.Path) -> None:
        lines = ["fine", "2026 WARNING: disk", '{"level": "error"}', '{"level": "info"}']
        code = f"print(*{lines!r}, sep='\\n')"

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()

        screen, _ = run(tmp_path, [python("step", code, run_once=True)], scenario)

        assert "WARNING: disk" in screen
        assert '"error"' in screen
        assert "fine" not in screen
        assert '"info"' not in screen
        assert len((tmp_path / "step.log").read_text().splitlines()) == 4


class TestRestart:
    def test_restarts_a_killed_part_with_growing_pauses_and_says_so(self, tmp_path: pathlib.Path) -> None:
        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()
            for restarts in (1, 2):
                pid = supervisor.pids()["worker"]
                os.kill(pid, signal.SIGKILL)
                await eventually(lambda: supervisor.pids().get("worker") not in (None, pid))  # noqa: B023
                await eventually(lambda: screen.getvalue().count("ready in") == restarts + 1)  # noqa: B023

        screen, pids = run(tmp_path, [python("worker", _SLEEPER)], scenario)

        assert f"was ended by SIGKILL; restarting in 0.5 s (log: {tmp_path / 'worker.log'})" in screen
        assert screen.index("restarting in 0.5 s") < screen.index("restarting in 1.0 s")
        assert alive(pids) == []

    def test_of_a_crash_tells_the_last_reason_and_where_its_log_is(self, tmp_path: pathlib.Path) -> None:
        code = "print('much', 'to', 'read', sep='\\n', flush=True); raise RuntimeError('the disk is full')"

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()
            await eventually(lambda: "restarting" in screen.getvalue())

        part = python("worker", code, shown=re.compile("nothing of it"))
        screen, _ = run(tmp_path, [part], scenario)

        (told,) = [line for line in screen.splitlines() if "restarting in 0.5 s" in line]
        assert "exited with code 1: RuntimeError: the disk is full; restarting" in told
        assert str(tmp_path / "worker.log") in told
        assert "to read" not in screen.replace("\n", " ")

    def test_kills_and_restarts_what_hangs_and_says_so(
        self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervisor_module, "_ASK_EVERY_S", 0.02)
        monkeypatch.setattr(probes, "_TIMEOUT_S", 0.3)
        port = str(Ports.free().gateway)
        answering = probes.answering(f"http://127.0.0.1:{port}/")
        argv = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port)
        part = Part(name="web", argv=argv, environment=dict(os.environ), ready=answering, answers=answering)

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()
            pid = supervisor.pids()["web"]
            os.kill(pid, signal.SIGSTOP)
            await eventually(lambda: screen.getvalue().count("ready in") == 2, within_s=20)
            assert supervisor.pids()["web"] != pid

        screen, pids = run(tmp_path, [part], scenario)

        assert "does not answer any more: it hangs, so it is killed" in screen
        assert alive(pids) == []

    def test_ends_the_stack_where_restarting_is_not_wanted(self, tmp_path: pathlib.Path) -> None:
        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()
            os.kill(supervisor.pids()["worker"], signal.SIGTERM)
            failure = await asyncio.wait_for(supervisor.failure, 5)
            assert "worker was ended by SIGTERM" in str(failure)

        run(tmp_path, [python("worker", _SLEEPER, restart=False)], scenario)

    def test_ends_what_a_crashed_part_left_behind(self, tmp_path: pathlib.Path) -> None:
        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()
            await eventually(said(tmp_path, "parent"))
            grandchild = int((tmp_path / "parent.log").read_text())
            os.kill(supervisor.pids()["parent"], signal.SIGKILL)
            await eventually(lambda: not psutil.pid_exists(grandchild))

        run(tmp_path, [python("parent", _PARENT)], scenario)


class TestStop:
    def test_stops_higher_layers_first(self, tmp_path: pathlib.Path) -> None:
        note = "import signal,time,pathlib,sys\n"
        note += "def end(*_): pathlib.Path({file!r}).open('a').write({name!r}); sys.exit()\n"
        note += "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
        file = str(tmp_path / "order")
        parts = [
            python(name, note.format(file=file, name=name), layer=layer, ready=said(tmp_path, name))
            for name, layer in (("a", 0), ("c", 2), ("b", 1))
        ]

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()

        run(tmp_path, parts, scenario)

        assert pathlib.Path(file).read_text() == "cba"

    def test_kills_what_does_not_listen(self, tmp_path: pathlib.Path) -> None:
        stubborn = python("stubborn", _STUBBORN, stop_within_s=0.2, ready=said(tmp_path, "stubborn"))

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            await supervisor.start()

        since = time.monotonic()
        screen, pids = run(tmp_path, [stubborn], scenario)

        assert alive(pids) == []
        assert "stubborn            | did not stop within 0 s: killed" in screen
        assert time.monotonic() - since < 8

    def test_stops_while_still_starting(self, tmp_path: pathlib.Path) -> None:
        parts = [
            python("never-ready", _SLEEPER, ready=lambda: False),
            python("later", _SLEEPER, after=("never-ready",)),
        ]

        async def scenario(supervisor: Supervisor, screen: io.StringIO) -> None:
            starting = asyncio.create_task(supervisor.start())
            await eventually(lambda: supervisor.pids())
            starting.cancel()

        _, pids = run(tmp_path, parts, scenario)

        assert len(pids) == 1
        assert alive(pids) == []


class TestPreloaded:
    def test_forks_restarts_and_outlives_the_loss_of_its_nursery(self, tmp_path: pathlib.Path) -> None:
        port = str(Ports.free().gateway)
        argv = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port)
        own = {**os.environ, "PYTHONUNBUFFERED": "1"}
        ready = probes.answering(f"http://127.0.0.1:{port}/")
        part = Part(name="web", argv=argv, environment=own, folder=tmp_path, ready=ready, preloaded=True)
        screen, seen = io.StringIO(), []

        async def main() -> None:
            forker = nursery.Nursery(log=tmp_path / "preload.log")
            console = Console(folder=tmp_path, stream=screen)
            supervisor = Supervisor(parts=[part], console=console, forker=forker)
            await supervisor.start()
            for number, (restarts, victim) in enumerate([(1, "service"), (2, "nursery")]):
                seen.append(psutil.Process(supervisor.pids()["web"]))
                shown = " ".join(seen[number].cmdline()).strip()
                assert shown == "marketmesh web"
                parent = seen[number].ppid()
                assert parent != os.getpid()
                os.kill(seen[number].pid if victim == "service" else parent, signal.SIGKILL)
                await eventually(lambda: screen.getvalue().count("ready in") > restarts)  # noqa: B023
            seen.append(psutil.Process(supervisor.pids()["web"]))
            assert seen[-1].ppid() == os.getpid()
            await supervisor.stop()
            console.close()

        asyncio.run(main())

        assert gone(seen)
        assert screen.getvalue().count("was ended by SIGKILL") == 2
        assert "web starts by itself" in screen.getvalue()
        assert "GET / HTTP" in (tmp_path / "web.log").read_text()


class TestGuard:
    def test_ends_a_group_it_still_knows(self, tmp_path: pathlib.Path) -> None:
        async def main() -> int:
            guard = child.Guard()
            stubborn = await child.start(python("sleeper", _SLEEPER), hear=lambda line: None)
            guard.started(stubborn.pid, signal.SIGTERM)
            closing = asyncio.to_thread(guard.close)
            code, _ = await asyncio.wait_for(asyncio.gather(stubborn.process.wait(), closing), 5)
            return code

        assert asyncio.run(main()) == -signal.SIGTERM


class TestOwnTime:
    def test_a_part_that_stops_in_its_own_time_is_not_killed_with_the_others(
        self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervisor_module, "_STOP_ALL_WITHIN_S", 0.0)
        slow = (
            "import signal,sys,time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.2), print('written'), sys.exit(0)));"
            " print('up', flush=True); time.sleep(600)"
        )
        part = python("slow", slow, ready=said(tmp_path, "slow"), stop_within_s=60.0, stops_in_its_own_time=True)

        async def scenario(supervisor: Supervisor, _: io.StringIO) -> None:
            await supervisor.start()

        told, _ = run(tmp_path, [part], scenario)

        assert "killed" not in told
        assert "up to 60 s" in told
        assert "written" in (tmp_path / "slow.log").read_text()
