"""Starts parts in the order of their readiness, keeps them running, stops them in layers.

Invariant: after `stop` returns no process of a part exists. One-shot parts end before their dependents start, and a
failed one fails the start. Knows nothing of what the parts are. Called by stack.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable
from typing import Any

from deploy.dev import child, nursery
from deploy.dev.console import Console
from deploy.dev.part import Part, Probe

_BACKOFF_FIRST_S = 0.5
# Tests that kill on purpose set it lower.
_BACKOFF_MAX_S = float(os.environ.get("MARKETMESH_RESTART_MAX_S", "10"))
_HEALTHY_AFTER_S = 10.0
_ASK_EVERY_S = 2.0
_PROBE_FIRST_S = 0.03
_PROBE_MAX_S = 0.25
_STILL_WAITING_S = 15.0
_STOP_ALL_WITHIN_S = 8.0
_LAST_OUTPUT_S = 0.5
_ONE_SHOTS_AT_ONCE = 2


class StartFailed(Exception):
    """A one-shot part failed, or a part that must not be restarted ended. The message has its last output."""


async def first_of(*futures: asyncio.Future[Any], within_s: float | None = None) -> None:
    """Return when one of them is done or the time is over; nothing is cancelled and no exception is raised."""
    await asyncio.wait(futures, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)


class Supervisor:
    """One stack of parts. `start` once, then `failure` or a signal of the caller's choice, then `stop` once."""

    def __init__(
        self,
        *,
        parts: Iterable[Part],
        console: Console,
        guard: child.Guard | None = None,
        forker: nursery.Nursery | None = None,
    ) -> None:
        self.parts = {part.name: part for part in parts}
        self._console = console
        self._guard = guard
        self._nursery = forker
        self._ready = {name: asyncio.Event() for name in self.parts}
        self._running: dict[str, child.Child] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._stop_deadline = 0.0
        self._spawning = asyncio.Lock()
        self._one_shots = asyncio.Semaphore(_ONE_SHOTS_AT_ONCE)
        self.failure: asyncio.Future[StartFailed] = asyncio.get_running_loop().create_future()

    def pids(self) -> dict[str, int]:
        """Return the process id of every part that is running now."""
        return {name: running.pid for name, running in self._running.items() if running.process.returncode is None}

    async def start(self) -> None:
        """Return when every part but the background ones is ready. Raises StartFailed."""
        for name, part in self.parts.items():
            self._tasks[name] = asyncio.create_task(self._guarded(part), name=name)
        needed = [name for name, part in self.parts.items() if not part.background]
        everything = asyncio.create_task(self._until_all(needed))
        try:
            while not everything.done() and not self.failure.done():
                await first_of(everything, self.failure, within_s=_STILL_WAITING_S)
                self._say_waiting(needed)
        finally:
            everything.cancel()
        if self.failure.done():
            raise self.failure.result()

    async def stop(self) -> None:
        """Stop all parts, higher layers first; what is left after 8 s is killed, unless it stops in its own time."""
        self._console.quiet = True
        self._stop_deadline = time.monotonic() + _STOP_ALL_WITHIN_S
        self._stopping.set()
        async with self._spawning:  # whoever was being started is in _running after this, and nobody starts later
            pass
        for layer in sorted({part.layer for part in self.parts.values()}, reverse=True):
            names = [name for name in self._running if self.parts[name].layer == layer]
            await asyncio.gather(*(self._stop_one(self.parts[name]) for name in names))
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._nursery:
            await self._nursery.close()

    def kill_now(self) -> None:
        """Kill everything at once: the developer pressed Ctrl-C again."""
        for running in self._running.values():
            child.signal_group(running.pid, signal.SIGKILL)

    async def _guarded(self, part: Part) -> None:
        """Run the part; whatever goes wrong in it becomes the stack's failure instead of a lost exception."""
        try:
            await self._until_all(name for name in part.after if name in self._ready)
            if part.run_once:
                await self._run_once(part)
            else:
                await self._keep_running(part)
        except StartFailed as error:
            self._fail(error)
        except Exception as error:  # the edge of this part: a bug or a broken installation must end the start
            self._fail(StartFailed(f"{part.name}: {type(error).__name__}: {error}"))

    async def _until_all(self, names: Iterable[str]) -> None:
        for name in names:
            await self._ready[name].wait()

    def _fail(self, error: StartFailed) -> None:
        if not self.failure.done() and not self._stopping.is_set():
            self.failure.set_result(error)

    def _mark_ready(self, part: Part, *, since: float, pid: int | None = None) -> None:
        self._ready[part.name].set()
        word = "done" if part.run_once else "ready"
        process = f" (process {pid})" if pid is not None and not part.run_once else ""
        self._console.say(part.name, f"{word} in {time.monotonic() - since:.2f} s{process}")

    async def _run_once(self, part: Part) -> None:
        async with self._one_shots:
            if self._stopping.is_set():
                return
            since = time.monotonic()
            if part.action:
                await asyncio.to_thread(part.action)
            else:
                code = await self._reap(part, await self._spawn(part))
                if code:
                    raise StartFailed(f"{part.name} {_ended(code)}; its last output:\n{self._last_output(part)}")
            self._mark_ready(part, since=since)

    async def _keep_running(self, part: Part) -> None:
        backoff = _BACKOFF_FIRST_S
        if part.prepare:
            await asyncio.to_thread(part.prepare)
        while not self._stopping.is_set():
            code, healthy_s = await self._run(part)
            if self._stopping.is_set():
                return
            if not part.restart:
                raise StartFailed(f"{part.name} {_ended(code)}; its last output:\n{self._last_output(part)}")
            if healthy_s >= _HEALTHY_AFTER_S:
                backoff = _BACKOFF_FIRST_S
            self._console.say(
                part.name,
                f"{_ended(code)}{self._console.last_reason(part)}; restarting in {backoff:.1f} s"
                f" (log: {self._console.log_of(part.name)})",
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff)
            backoff = min(backoff * 2, _BACKOFF_MAX_S)

    async def _run(self, part: Part) -> tuple[int, float]:
        """Run the process to its end. Returns its exit code and for how long it was ready."""
        since = time.monotonic()
        running = await self._spawn(part)
        ready_at: list[float] = []

        async def watch() -> None:
            await self._until_ready(part)
            ready_at.append(time.monotonic())
            self._mark_ready(part, since=since, pid=running.pid)
            if part.answers:
                await self._until_hung(part, part.answers)
                self._console.say(
                    part.name, f"process {running.pid} does not answer any more: it hangs, so it is killed"
                )
                child.signal_group(running.pid, signal.SIGKILL)

        watcher = asyncio.create_task(watch())
        code = await self._reap(part, running)
        watcher.cancel()
        self._ready[part.name].clear()
        return code, time.monotonic() - ready_at[0] if ready_at else 0.0

    async def _until_ready(self, part: Part) -> None:
        pause = _PROBE_FIRST_S
        while part.ready is not None and not await asyncio.to_thread(part.ready):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _PROBE_MAX_S)

    async def _until_hung(self, part: Part, answers: Probe) -> None:
        unanswered = 0
        while unanswered < part.unanswered_max:
            await asyncio.sleep(_ASK_EVERY_S)
            unanswered = 0 if await asyncio.to_thread(answers) else unanswered + 1

    async def _spawn(self, part: Part) -> child.Child:
        async with self._spawning:
            if self._stopping.is_set():
                raise asyncio.CancelledError
            self._console.tail(part.name)
            running = await self._start_process(part)
            self._running[part.name] = running
            if self._guard:
                self._guard.started(running.pid, part.stop_signal)
        return running

    async def _start_process(self, part: Part) -> child.Child:
        def hear(line: str) -> None:
            self._console.hear(part, line)

        if part.preloaded and self._nursery:
            try:
                return await self._nursery.start(part, hear=hear)
            except nursery.NurseryGone:
                self._console.say("preload", f"is gone (see its log); {part.name} starts by itself, which takes longer")
        return await child.start(part, hear=hear)

    async def _reap(self, part: Part, running: child.Child) -> int:
        """Wait for the end, take the last output, end what the process left behind."""
        code = await running.process.wait()
        child.signal_group(running.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running.reader, _LAST_OUTPUT_S)
        if self._guard:
            self._guard.stopped(running.pid)
        self._running.pop(part.name, None)
        return code

    async def _stop_one(self, part: Part) -> None:
        running = self._running.get(part.name)
        if running is None:
            return
        with contextlib.suppress(ProcessLookupError):
            running.process.send_signal(part.stop_signal)
        patience_s = max(min(part.stop_within_s, self._stop_deadline - time.monotonic()), 0.0)
        if part.stops_in_its_own_time:
            patience_s = part.stop_within_s
            self._console.say(part.name, f"stopping; it gets up to {patience_s:.0f} s to finish what it has in hand")
        try:
            await asyncio.wait_for(running.process.wait(), patience_s)
        except TimeoutError:
            self._console.say(part.name, f"did not stop within {patience_s:.0f} s: killed")
            child.signal_group(running.pid, signal.SIGKILL)
            await running.process.wait()

    def _say_waiting(self, needed: list[str]) -> None:
        waiting = [name for name in needed if not self._ready[name].is_set()]
        if waiting and not self.failure.done():
            self._console.say("stack", f"still waiting for {', '.join(waiting)}")

    def _last_output(self, part: Part) -> str:
        return "\n".join(f"  | {line}" for line in self._console.tail(part.name)) or "  | (none)"


def _ended(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
