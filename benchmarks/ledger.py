"""Measure the ledger alone: `make bench-ledger`. Postgres and one finance process, called over gRPC as services do.

Entries have two postings, between one account that all share and one of a hundred vendors. Afterwards the books are
recomputed from the postings, as `marketmesh prove` does.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import machine
from deploy.dev import environment, keys
from deploy.dev.stack import Embedded, embedded
from deploy.tools.text_table import table
from marketmesh.finance.v1 import ledger_service_pb2 as messages
from marketmesh.finance.v1 import ledger_service_pb2_grpc as stubs
from meshkit.call import Call
from meshkit.clock import SystemClock
from meshkit.db import migrate
from meshkit.db.engine import Database
from meshkit.db.tx import Transactions
from meshkit.grpc.channel import Channel
from meshkit.service_keys import PublicHalves, own_key
from services.finance.proofs.usecases.prove_money import prove_money

RESULTS = Path(__file__).with_name("results") / "ledger.json"
_START_SECONDS = 30.0
_VENDORS = [str(uuid.UUID(int=number)) for number in range(1, 101)]
# One request of so many entries, from so many callers at once, until so many entries are posted.
WORKLOADS = ((1, 1, 500), (1, 8, 3000), (100, 2, 20_000), (1000, 2, 60_000))


@dataclass
class Finance:
    """The running service and a way to call it."""

    stack: Embedded
    process: subprocess.Popen[bytes]
    channel: Channel
    stub: Any

    def post(self, request: messages.PostBatchRequest) -> float:
        """Post a batch; returns the seconds it took."""
        started = time.perf_counter()
        answer = self.channel.call(self.stub.PostBatch, request, call=Call(), timeout_s=30.0)
        assert all(result.outcome == messages.BatchOutcome.posted for result in answer.results), answer.results[0]
        return time.perf_counter() - started

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor time so far of finance and of Postgres."""
        return {"finance": _cpu_of(self.process.pid), "postgres": _cpu_of(self.stack.pids["postgres"])}


def main() -> None:
    """Run every workload, prove the books, keep the numbers."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with running_finance(Path(folder)) as finance:
            _measure(finance, 10, 2, 200)
            results = [_measure(finance, *workload) for workload in WORKLOADS]
            database = Database(finance.stack.addresses.database_url("finance"))
            with Transactions(database=database, clock=SystemClock(), source="finance").read(Call()) as tx:
                problems = prove_money(tx)
            database.close()
    RESULTS.write_text(json.dumps({"machine": machine(), "workloads": results, "problems": problems}, indent=1) + "\n")
    print(table(tuple(results[0]), [tuple(result.values()) for result in results]))
    print("ledger:", problems or "adds up")


@contextmanager
def running_finance(folder: Path) -> Iterator[Finance]:
    """Start Postgres and finance's gRPC server and nothing else; stop both in the end."""
    with embedded(parts={"postgres", "valkey", "pubsub"}, state_dir=folder, services=("finance",)) as stack:
        migrate.upgrade(service="finance", url=stack.addresses.database_url("finance", kind="owner"))
        key_files = keys.ensure_key_files(stack.state)
        own = environment.service("finance", addresses=stack.addresses, key_files=key_files)
        log = stack.state.logs / "finance.log"
        command = [sys.executable, "-m", "services.finance", "serve"]
        process = subprocess.Popen(command, cwd=environment.REPOSITORY, env=own, stdout=log.open("wb"))
        os.environ["GRPC_EXPERIMENTS"] = own["GRPC_EXPERIMENTS"]
        deadline = time.monotonic() + _START_SECONDS
        while "service.started" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)
        channel = Channel(
            key=own_key(
                key_files[keys.private_key_of(keys.OPERATOR)],
                service=keys.OPERATOR,
                known=PublicHalves(key_files["MESH_SERVICE_KEYS_FOLDER"]).read(),
            ),
            target="finance",
            address=stack.addresses.of("finance"),
            clock=SystemClock(),
        )
        try:
            yield Finance(stack, process, channel, stubs.LedgerServiceStub(channel.grpc))  # type: ignore[no-untyped-call]
        finally:
            process.terminate()
            process.wait(20)


def _measure(finance: Finance, size: int, callers: int, entries: int) -> dict[str, Any]:
    requests = [_batch(size) for _ in range(entries // size)]
    before = finance.cpu_seconds()
    started = time.perf_counter()
    took = _run(finance, requests, callers)
    seconds = time.perf_counter() - started
    spent = {part: total - before[part] for part, total in finance.cpu_seconds().items()}
    ordered = sorted(took)
    return {
        "entries/request": size,
        "callers": callers,
        "entries": entries,
        "entries/s": round(entries / seconds),
        "p50 ms": round(ordered[len(ordered) // 2] * 1000, 1),
        "p99 ms": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000, 1),
        **{f"{part} µs/entry": round(total * 1e6 / entries) for part, total in spent.items()},
    }


def _run(finance: Finance, requests: Sequence[messages.PostBatchRequest], callers: int) -> list[float]:
    took: list[float] = []
    threads = [
        threading.Thread(target=lambda own=requests[number::callers]: took.extend(map(finance.post, own)))  # type: ignore[misc]
        for number in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == len(requests), "a caller failed"
    return took


def _batch(size: int) -> messages.PostBatchRequest:
    return messages.PostBatchRequest(entries=[_entry() for _ in range(size)])


def _entry() -> messages.BatchEntry:
    vendor = random.choice(_VENDORS)
    return messages.BatchEntry(
        key=uuid.uuid4().hex,
        type="transfer",
        cause_type="manual",
        cause_id=str(uuid.uuid4()),
        reference="benchmark",
        postings=[
            messages.BatchPosting(account={"kind": "cash_clearing", "currency": "USD"}, amount_cents=1250),
            messages.BatchPosting(
                account={"kind": "vendor_payable", "owner_id": vendor, "currency": "USD"}, amount_cents=-1250
            ),
        ],
    )


def _cpu_of(pid: int) -> float:
    total = 0.0
    for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        times = each.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    main()
