"""Watches every call that leaves a process for one that is made while its thread holds a database connection.

The connection would be kept for as long as the other side takes: a few slow answers are the whole pool.
"""

from __future__ import annotations

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import redis
import requests

from meshkit.db.engine import Session
from meshkit.events.bus import Bus
from meshkit.grpc.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

Result = TypeVar("Result")
# Other services; the object store and the warehouse; revocations and rate limits; the bus.
WAYS_OUT = (
    (Channel, "call"),
    (requests.Session, "send"),
    (redis.connection.Connection, "send_packed_command"),
    (Bus, "publish"),
    (Bus, "pull"),
)


def on_a_thread_of_its_own(work: Callable[[], Result]) -> Result:
    """Return what somebody else's work gives, while the test itself holds a connection."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(work).result()


class OutsideCalls:
    """What was called while a connection was held; a test that leaves something here has failed."""

    def __init__(self) -> None:
        self._held = threading.local()
        self.wrong: list[str] = []

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Begin to watch."""
        take, close = Session.__init__, Session.close

        def taken(session: Session, *args: Any, **options: Any) -> None:
            take(session, *args, **options)
            self._held.count = self.held + 1

        def closed(session: Session) -> None:
            self._held.count = self.held - 1
            close(session)

        patch.setattr(Session, "__init__", taken)
        patch.setattr(Session, "close", closed)
        for owner, name in WAYS_OUT:
            patch.setattr(owner, name, self._watched(f"{owner.__name__}.{name}", getattr(owner, name)))

    @property
    def held(self) -> int:
        """Return how many connections the thread holds."""
        return int(getattr(self._held, "count", 0))

    def _watched(self, name: str, way_out: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(way_out)
        def call(*args: Any, **options: Any) -> Any:
            if self.held:
                lines = [line for line in traceback.format_stack() if "/services/" in line or "/meshkit/" in line]
                self.wrong.append(f"{name} while a connection is held:\n{''.join(lines[-6:])}")
            return way_out(*args, **options)

        return call
