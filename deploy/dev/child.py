"""Starting a process that cannot outlive us, reading its output, and the guard that cleans up after our death.

Invariant: every child leads its own process group, gets its stop signal when the supervisor dies, and is known to the
guard from its start until its whole group is gone. Called by the supervisor only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Protocol

from deploy.dev.part import Part

_PR_SET_PDEATHSIG = 1
_LINE_LIMIT = 1 << 20
_CHUNK = 1 << 16
# Loaded before any fork: between fork and exec nothing may import.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Process(Protocol):
    """What the supervisor uses of asyncio's Process; nursery has another kind."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, signal: int) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Child:
    """A started process and the task that reads its output to the end."""

    process: Process
    reader: asyncio.Task[None]

    @property
    def pid(self) -> int:
        """Return the process id, which is also its group's."""
        return self.process.pid


async def start(part: Part, *, hear: Callable[[str], None]) -> Child:
    """Start the part's process and hand each line it writes to `hear`. Raises OSError when it cannot be executed."""
    # A pipe of our own: asyncio's would make wait() wait for every grandchild that inherited the output.
    read_end, write_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *part.run_as.wrapper,
            *part.argv,
            stdin=subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            env=dict(part.environment),
            cwd=part.folder,
            process_group=0,
            preexec_fn=die_with_parent(part.stop_signal),
            user=part.run_as.uid,
            group=part.run_as.gid,
            extra_groups=None if part.run_as.uid is None else [],
        )
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    return Child(process=process, reader=asyncio.create_task(read_lines(read_end, hear)))


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what a child does before it becomes its program: ask for `number` at our death."""
    parent = os.getpid()

    def in_child() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # died between fork and prctl
            os._exit(1)

    return in_child


def signal_group(group: int, number: int) -> None:
    """Signal a whole process group; gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


async def read_lines(descriptor: int, hear: Callable[[str], None]) -> None:
    """Hand on every line of a pipe, which it closes, until the other end is closed; an endless line is cut at 1 MiB."""
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        rest = b""
        while chunk := await stream.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LINE_LIMIT:
                lines.append(rest)
                rest = b""
            for line in lines:
                hear(line.decode(errors="replace").rstrip("\r"))
        if rest:
            hear(rest.decode(errors="replace"))
    finally:
        transport.close()


class Guard:
    """The guardian process and the pipe to it. `lock_descriptor` stays locked until the guardian has finished."""

    def __init__(self, *, lock_descriptor: int | None = None) -> None:
        script = pathlib.Path(__file__).with_name("guardian.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=() if lock_descriptor is None else (lock_descriptor,),
            start_new_session=True,
            text=True,
        )

    @property
    def pid(self) -> int:
        """Return the guardian's process id."""
        return self._process.pid

    def started(self, group: int, stop_signal: signal.Signals) -> None:
        """Report a new process group to the guardian."""
        self._tell(f"start {group} {int(stop_signal)}")

    def stopped(self, group: int) -> None:
        """Report that a group is gone, before its number can be used again."""
        self._tell(f"stop {group} 0")

    def close(self) -> None:
        """End the guardian; it first ends what it still knows."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # without a guardian there is still PR_SET_PDEATHSIG
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
