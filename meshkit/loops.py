"""Endless threads of a process. One that fails is logged, counted and started again; one that hangs shows in a metric."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from meshkit.crash import enter_loop
from meshkit.obs.logging import get_logger
from meshkit.obs.metrics import LOOP_FAILURES, LOOP_SILENT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

_AGAIN_SECONDS = 1.0


class Heart(threading.Event):
    """A stop event as one loop sees it: each time the loop looks whether to stop, it shows that it lives."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop
        self._beat_at = time.monotonic()

    def is_set(self) -> bool:
        """Return whether to stop."""
        self._beat_at = time.monotonic()
        return self._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the stop at most `timeout` seconds; return whether to stop."""
        self._beat_at = time.monotonic()
        stopped = self._stop.wait(timeout)
        self._beat_at = time.monotonic()
        return stopped

    def silent_s(self) -> float:
        """Return the seconds since the loop last looked; computed when asked, so that a hung one shows too."""
        return time.monotonic() - self._beat_at


class Loops:
    """The endless threads of one process."""

    def __init__(self) -> None:
        self._threads: list[tuple[threading.Thread, threading.Event]] = []

    def start(self, name: str, target: Callable[[threading.Event], None], *, until: threading.Event) -> None:
        """Run `target` in a thread of its own, again whenever it ends, until told to stop."""
        heart = Heart(until)
        LOOP_SILENT_SECONDS.labels(name).set_function(heart.silent_s)
        LOOP_FAILURES.labels(name)
        thread = threading.Thread(target=_run, args=(name, target, heart), name=name, daemon=True)
        thread.start()
        self._threads.append((thread, until))

    def dead(self) -> list[str]:
        """Return the names of threads that ended although nobody told them to."""
        return [thread.name for thread, until in self._threads if not until.is_set() and not thread.is_alive()]

    def join(self, *, seconds: float) -> None:
        """Wait for the threads that were told to stop, each at most so long."""
        for thread, _ in self._threads:
            thread.join(seconds)


def _run(name: str, target: Callable[[threading.Event], None], heart: Heart) -> None:
    """Keep a loop going; a defect in it is logged and it starts again, so that no process is half alive."""
    enter_loop(name)
    while not heart.is_set():
        try:
            target(heart)
        except BaseException as error:  # also what is no Exception, such as a panic of an extension module
            LOOP_FAILURES.labels(name).inc()
            get_logger().error("service.role_failed", role=name, exc_info=error)
            heart.wait(_AGAIN_SECONDS)
        else:
            if not heart.is_set():
                LOOP_FAILURES.labels(name).inc()
                get_logger().error("service.role_ended", role=name)
                heart.wait(_AGAIN_SECONDS)
