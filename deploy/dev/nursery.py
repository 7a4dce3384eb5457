"""The supervisor's side of preload: asks it to fork services, and learns when one has ended.

Messages are JSON over a socket pair: a request carries the module's words and environment and the write end of the
output pipe; answers are {request, pid} and {ended, code}. Called by the supervisor only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

from deploy.dev import child, environment
from deploy.dev.part import Part

_MESSAGE_BYTES = 1 << 18
_MODULE_FLAG = "-m"


class NurseryGone(Exception):
    """The preloading process ended; what it had forked is ended with it."""


class ForkedProcess:
    """A grandchild, as far as the supervisor needs it to look like asyncio's Process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """Return the exit code, negative for a signal, once it has ended."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal it; gone already raises ProcessLookupError."""
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    def end(self, code: int) -> None:
        """Note its end."""
        self.returncode = code
        self._ended.set()


class Nursery:
    """One preloading process. Made inside the running loop; it imports while other parts start."""

    def __init__(self, *, log: pathlib.Path) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.setblocking(False)
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, _MODULE_FLAG, "deploy.dev.preload", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment.base(),
                cwd=environment.REPOSITORY,
                pass_fds=(theirs.fileno(),),
                process_group=0,
                preexec_fn=child.die_with_parent(signal.SIGKILL),
            )
        self._running: dict[int, ForkedProcess] = {}
        self._asked: dict[int, asyncio.Future[ForkedProcess]] = {}
        self._last_request = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._connection, self._on_readable)

    @property
    def alive(self) -> bool:
        """Return whether it can be asked."""
        return self._connection.fileno() >= 0

    async def start(self, part: Part, *, hear: Callable[[str], None]) -> child.Child:
        """Fork the part, whose argv is `python -m module words...`. Raises NurseryGone."""
        assert part.argv[1] == _MODULE_FLAG
        if not self.alive:
            raise NurseryGone
        self._last_request += 1
        answer = self._asked[self._last_request] = self._loop.create_future()
        message = {
            "request": self._last_request,
            "name": part.name,
            "words": part.argv[2:],
            "environment": dict(part.environment),
            "folder": str(part.folder or environment.REPOSITORY),
            "stop_signal": int(part.stop_signal),
        }
        read_end, write_end = os.pipe()
        try:
            socket.send_fds(self._connection, [json.dumps(message).encode()], [write_end])
            process = await answer
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        return child.Child(process=process, reader=asyncio.create_task(child.read_lines(read_end, hear)))

    async def close(self) -> None:
        """End the process, and what it has forked, and wait for it."""
        self._disconnect()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def _on_readable(self) -> None:
        try:
            data = self._connection.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._disconnect()
            return
        message = json.loads(data)
        if "ended" in message:
            self._running.pop(message["ended"]).end(message["code"])
            return
        process = self._running[message["pid"]] = ForkedProcess(message["pid"])
        answer = self._asked.pop(message["request"])
        if answer.cancelled():
            child.signal_group(process.pid, signal.SIGKILL)
        else:
            answer.set_result(process)

    def _disconnect(self) -> None:
        """When the preloading process has died, nobody reports the ends of its children any more: end them."""
        if not self.alive:
            return
        self._loop.remove_reader(self._connection)
        self._connection.close()
        for process in self._running.values():
            child.signal_group(process.pid, signal.SIGKILL)
            process.end(-signal.SIGKILL)
        self._running.clear()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(NurseryGone())
        self._asked.clear()
