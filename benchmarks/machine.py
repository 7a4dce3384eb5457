"""What a benchmark ran on: machines that call themselves the same differ threefold."""

from __future__ import annotations

import platform
import subprocess
import sys
import timeit
from pathlib import Path

import psutil


def machine() -> dict[str, object]:
    """Return the machine, the interpreter, the commit and the load."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "processor": _processor(),
        "python": sys.version.replace("\n", ""),
        "python_loop_ms": _loop_ms(),
        "system": platform.system(),
        "commit": commit.stdout.strip(),
        "load_before": [round(load, 2) for load in psutil.getloadavg()],
    }


def _processor() -> str:
    """Return the processor's name and clock."""
    about = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    fields = {key.strip(): value.strip() for key, _, value in about}
    return f"{fields.get('model name', platform.processor())}, {fields.get('cpu MHz', '?')} MHz"


def _loop_ms() -> float:
    """Return what a fixed loop in Python takes: the yardstick between two machines or interpreters."""
    return round(min(timeit.repeat("for i in range(1000000): total += i * i", "total = 0", number=1)) * 1000, 1)
