"""Measure the mesh from outside: `make bench`. Starts a mesh of its own; load generator and mesh share the machine.

Writes benchmarks/results/latest.json and prints a table. Compare runs of one machine only.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text

from benchmarks.http_load import Outcome, Request, run
from benchmarks.machine import machine
from benchmarks.market import Market
from deploy.tools.connection import transactions_of
from deploy.tools.contracts import services_present
from deploy.tools.prove import prove_everything
from deploy.tools.running_mesh import RunningMesh, running_mesh
from deploy.tools.text_table import table
from meshkit.call import Call

RESULTS = Path(__file__).with_name("results")
_SETTLE_SECONDS = 60.0
_WAITING = text("SELECT count(*) FROM outbox WHERE published_at IS NULL")


def main() -> None:
    """Run every workload and keep the numbers."""
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with running_mesh(Path(folder)) as mesh:
            market = Market.open(mesh.url)
            results = [measure(mesh, *workload) for workload in _workloads(market, quick=quick)]
            memory = _memory(mesh)
            problems = prove_everything(settle_s=_SETTLE_SECONDS)
    report = {"machine": machine(), "memory_mib": memory, "workloads": results, "invariants_broken": problems}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(report, indent=1) + "\n")
    header = (
        "workload",
        "requests",
        "conns",
        "per s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "errors",
        "cpu ms/req",
        "drained s",
    )
    print(table(header, [tuple(result[name] for name in header) for result in results]))
    print(json.dumps(memory))
    print("invariants:", problems or "all hold")


def _workloads(market: Market, *, quick: bool) -> list[tuple[str, list[Request], int, float]]:
    scale = 1 if quick else 5
    return [
        ("read product, closed loop", market.reads(1000 * scale), 8, 0.0),
        ("checkout 2×3 lines, 1 at a time", market.checkouts(60 * scale), 1, 0.0),
        ("checkout 2×3 lines, closed loop", market.checkouts(200 * scale), 8, 0.0),
        ("checkout 2×3 lines, 50/s open loop", market.checkouts(200 * scale), 32, 50.0),
        ("checkout 2×3 lines, 100/s open loop", market.checkouts(200 * scale), 32, 100.0),
        ("checkout one hot product, closed loop", market.checkouts(100 * scale, hot=True), 8, 0.0),
    ]


def measure(mesh: RunningMesh, name: str, requests: list[Request], connections: int, rate: float) -> dict[str, Any]:
    """Run one workload and return its numbers, processor time by part included."""
    _drain()
    before = _cpu(mesh)
    outcome = run("127.0.0.1", int(mesh.url.rpartition(":")[2]), requests, connections=connections, rate=rate)
    answered = time.perf_counter()
    _drain()
    drained = time.perf_counter() - answered
    spent = {part: seconds - before.get(part, 0.0) for part, seconds in _cpu(mesh).items()}
    return {
        "workload": name,
        "requests": len(requests),
        "conns": connections,
        "per s": round(outcome.rate, 1),
        "p50 ms": round(outcome.percentile_ms(0.5), 1),
        "p99 ms": round(outcome.percentile_ms(0.99), 1),
        "max ms": round(outcome.percentile_ms(1.0), 1),
        "errors": len(outcome.unexpected),
        "cpu ms/req": round(sum(spent.values()) * 1000 / len(requests), 2),
        "drained s": round(drained, 2),
        "cpu ms/req by part": {
            part: round(s * 1000 / len(requests), 2) for part, s in sorted(spent.items()) if s > 0.01
        },
        "first error": _first(outcome),
    }


def _first(outcome: Outcome) -> str:
    return "" if not outcome.unexpected else f"{outcome.unexpected[0][0]} {outcome.unexpected[0][1]!r}"


def _drain() -> None:
    """Wait until no event waits in any outbox."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    databases = [transactions_of(service) for service in services_present()]
    while time.monotonic() < deadline:
        waiting = 0
        for transactions in databases:
            with transactions.read(Call()) as tx:
                waiting += tx.execute(_WAITING).scalar_one()
        if not waiting:
            break
        time.sleep(0.05)
    for transactions in databases:
        transactions.database.close()


def _parts(mesh: RunningMesh) -> list[psutil.Process]:
    return psutil.Process(mesh.process.pid).children(recursive=True)


def _cpu(mesh: RunningMesh) -> dict[str, float]:
    spent: dict[str, float] = {}
    for process in _parts(mesh):
        try:
            times = process.cpu_times()
            name = _name(process)
        except psutil.Error:
            continue
        spent[name] = spent.get(name, 0.0) + times.user + times.system
    return spent


def _name(process: psutil.Process) -> str:
    """Return what a process is: Python programs are told apart by the module they run."""
    if process.name() != "python":
        return process.name()
    words = process.cmdline()
    return words[words.index("-m") + 1] if "-m" in words else "python"


def _memory(mesh: RunningMesh) -> dict[str, int]:
    """Return resident memory (proportional share) of our eight services and Envoy, in MiB."""
    ours: dict[str, int] = {}
    for process in _parts(mesh):
        try:
            name = process.name()
            if name in services_present() or name == "envoy":
                ours[name] = round(process.memory_full_info().pss / 2**20)
        except psutil.Error:
            continue
    return {**ours, "sum": sum(ours.values())}


if __name__ == "__main__":
    main()
