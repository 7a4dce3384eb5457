"""Ends the stack's processes when the supervisor died without doing so (kill -9, out of memory).

Reads `start PGID` and `stop PGID` lines; at end of input, which is the supervisor's death or its orderly exit, it asks
every group still known to stop and kills what is left. It holds the state folder's lock until then. Run by child.Guard
as a plain script without site-packages, so that it costs little.
"""

from __future__ import annotations

import os
import signal
import sys
import time

_GRACE_S = 8.0
_POLL_S = 0.05


def read_groups() -> dict[int, int]:
    """Return group -> stop signal of those started and not stopped, once the input has ended."""
    groups: dict[int, int] = {}
    for line in sys.stdin:
        verb, group, number = line.split()
        if verb == "start":
            groups[int(group)] = int(number)
        else:
            groups.pop(int(group), None)
    return groups


def send(group: int, number: int) -> bool:
    """Signal a group (0 only asks). Returns whether it still exists."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # there, but of another user now: nothing we could do
    return True


def main() -> None:
    """Wait for the end of input, then leave no group behind."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups = read_groups()
    for group, number in groups.items():
        send(group, number)
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline and any([send(group, 0) for group in groups]):
        time.sleep(_POLL_S)
    for group in groups:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
