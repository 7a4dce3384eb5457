"""`marketmesh doctor`: look at everything the mesh needs, all at once, and say what to mend."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from deploy.cli.console import fail, say
from deploy.cli.doctor_checks import Finding, questions
from deploy.tools.connection import need_running_stack, use_environment

# Counted from the last question, asked about two seconds after the others; with the imports before them the command takes
# less than five seconds.
PATIENCE_SECONDS = 1.5

Question = tuple[str, Callable[[], Iterator[Finding]]]


def doctor() -> None:
    """Check everything that keeps the mesh from starting or working; exit 1 when something has to be mended."""
    need_running_stack()
    use_environment()
    sick = 0
    for healthy, what, advice in answers(questions(), patience_s=PATIENCE_SECONDS):
        sick += not healthy
        say(f"{'ok  ' if healthy else 'MEND'}  {what}" + (f"\n      {advice}" if not healthy else ""),
            colour="" if healthy else "red")  # fmt: skip
    if sick:
        raise fail(f"doctor: {sick} things to mend")
    say("doctor: healthy", colour="green")


def answers(asked: Iterable[Question], *, patience_s: float) -> list[Finding]:
    """Ask everything at once; return the findings in the order of the questions, and the questions that were not answered in time.

    The threads die with the process: a part that accepts a call and never answers must not hold the command.
    """
    names: list[str] = []
    arrived: queue.SimpleQueue[tuple[int, list[Finding]]] = queue.SimpleQueue()
    for number, (name, look) in enumerate(asked):
        names.append(name)
        threading.Thread(target=_ask, args=(number, name, look, arrived), name=f"doctor-{name}", daemon=True).start()
    deadline = time.monotonic() + patience_s
    found: dict[int, list[Finding]] = {}
    while len(found) < len(names):
        try:
            number, findings = arrived.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[number] = findings
    hanging = "No answer in time: it hangs, or something it needs does."
    return [finding for number, name in enumerate(names) for finding in found.get(number, [(False, name, hanging)])]


def _ask(
    number: int,
    name: str,
    look: Callable[[], Iterator[Finding]],
    arrived: queue.SimpleQueue[tuple[int, list[Finding]]],
) -> None:
    findings: list[Finding] = []
    try:
        findings.extend(look())
    except Exception as error:  # whatever goes wrong in a question becomes its finding
        line = (str(error).splitlines() or [""])[0][:200]
        findings.append((False, name, f"{type(error).__name__}: {line}"))
    arrived.put((number, findings))
