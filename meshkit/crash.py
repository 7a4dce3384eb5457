"""Labelled places at which a test may let a process die as `kill -9` would: between two steps that must not be torn.

Unarmed, which is always so outside tests, a place costs one comparison. Armed (`MESH_CRASH_FILE`, refused in production),
the process whose service and label stand in that file removes it and kills itself, once.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class _Trap:
    service: str
    file: Path

    def spring(self, label: str) -> None:
        try:
            if self.file.read_text() != f"{self.service} {label}":
                return
            self.file.unlink()
        except FileNotFoundError:
            # Nobody is to die now, or another thread was faster.
            return
        os.kill(os.getpid(), signal.SIGKILL)


_trap: _Trap | None = None


def arm(*, service: str, file: Path) -> None:
    """Let this process die where `file` says `<service> <label>`."""
    global _trap  # noqa: PLW0603
    _trap = _Trap(service, file)


def crash_point(label: str) -> None:
    """Die here if a test asks for it."""
    if _trap is not None:
        _trap.spring(label)
