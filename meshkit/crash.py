"""Places at which a test may let a process die as `kill -9` would: between two steps that must not be torn.

The chassis offers them, so that every flow has them without a word of its own: where a transaction is about to commit and
where it has, where another service has answered, where an answer is about to leave. A label says what is worked on and how far
it is: `Checkout tx2.committing`, `CollectCash call GetOrderForDelivery.answered`. What an endless thread does of its own accord
is named after the thread: `WarehouseLoader.run tx1.committed`. A death before a step is one after the step before it, so there
is no label for that.

Unarmed, which is always so outside tests, a place costs one comparison. Armed (`MESH_CRASH_FILE`, refused in production),
the process whose service and label stand in that file removes it and kills itself, once; and while there is a file of that name
with `.offered` behind it, every label that is passed is written into it.
"""

from __future__ import annotations

import os
import signal
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from meshkit.call import Call


@dataclass(frozen=True)
class _Trap:
    service: str
    file: Path

    def spring(self, label: str) -> None:
        point = f"{self.service} {label}"
        self._note(point)
        try:
            if self.file.read_text() != point:
                return
            self.file.unlink()
        except FileNotFoundError:
            # No test asks for a death, or another thread was faster.
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, point: str) -> None:
        """Add the label to the record, if a test keeps one. Lines of several processes do not mix: each is one short write."""
        try:
            record = os.open(f"{self.file}.offered", os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            return
        try:
            os.write(record, f"{point}\n".encode())
        finally:
            os.close(record)


_trap: _Trap | None = None
# The endless thread that we are in, or "".
_loop: ContextVar[str] = ContextVar("loop", default="")


def arm(*, service: str, file: Path) -> None:
    """Let this process die where `file` says `<service> <label>`."""
    global _trap  # noqa: PLW0603
    _trap = _Trap(service, file)


def enter_loop(name: str) -> None:
    """Name what this thread does from now on, wherever a call does not say itself what is at work."""
    _loop.set(name)


def crash_point(work: str, step: str) -> None:
    """Die here if a test asks for it. `work` is a method's path, or the name of a job or a subscription."""
    if _trap is not None:
        _trap.spring(f"{_short(work)} {step}")


def transaction_point(call: Call, step: str) -> None:
    """Die at a boundary of the call's latest write transaction. Work without a name, such as a tool's, offers nothing."""
    if _trap is not None and (work := call.work or _loop.get()):
        _trap.spring(f"{_short(work)} tx{call.writes}.{step}")


def answer_point(call: Call, request: Message) -> None:
    """Die with the answer of another service in hand; the request's name says what was asked."""
    if _trap is not None and (work := call.work or _loop.get()):
        _trap.spring(f"{_short(work)} call {request.DESCRIPTOR.name.removesuffix('Request')}.answered")


def _short(work: str) -> str:
    return work.rpartition("/")[2]
