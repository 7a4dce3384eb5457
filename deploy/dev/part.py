"""What the supervisor needs to know about one process of the stack. Pure values, built by the builders of parts."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import signal
from collections.abc import Callable, Mapping

Probe = Callable[[], bool]
Action = Callable[[], None]

# A JSON line says its level; text lines of Envoy, Postgres, Valkey and Python say it in a word.
WORTH_SHOWING = re.compile(
    r'"level": ?"(?:warning|error|critical)"|\[(?:warning|error|critical)\]|^Traceback'
    r"|\b(?:WARNING|WARN|ERROR|CRITICAL|FATAL|PANIC)\b"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunAs:
    """Another user for the child, or a command put before its own (`wrapper`) that makes it look like one."""

    uid: int | None = None
    gid: int | None = None
    wrapper: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One process (`argv`) or, with `action`, one step inside the supervisor.

    `ready` is a blocking question, asked in a thread until it says yes. `after` names the parts that must be ready
    before; names that are not in the stack are ignored. Parts stop in falling `layer`, one layer at a time.
    """

    name: str
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    folder: pathlib.Path | None = None
    ready: Probe | None = None
    answers: Probe | None = None  # asked while it runs: whether it says anything at all; one that never does is killed
    unanswered_max: int = 5  # each question has two seconds for its answer, so a hung process is seen after twenty
    action: Action | None = None
    prepare: Action | None = None  # blocking, once, before the first start
    after: tuple[str, ...] = ()
    layer: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 8.0
    stops_in_its_own_time: bool = False  # killed after stop_within_s only, whatever the rest of the stack has used up
    run_as: RunAs = RunAs()
    run_once: bool = False
    preloaded: bool = False  # argv is `python -m module ...` of a service: fork it from the nursery, if there is one
    restart: bool = True  # False: its end ends the stack
    background: bool = False  # the stack counts as ready without it
    shown: re.Pattern[str] = WORTH_SHOWING  # log lines that also go to the screen
