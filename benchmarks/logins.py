"""What a flood of sign-ins does to everybody else: `make bench-logins`.

Refreshes, checkouts and readiness on a fixed schedule, first alone, then while more people sign in than can be hashed.
Writes benchmarks/results/logins.json. Compare runs of one machine only.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.http_load import Outcome, Request, run
from benchmarks.machine import machine
from benchmarks.market import Market
from benchmarks.run import RESULTS
from deploy.tools.people import PASSWORD, Cast
from deploy.tools.running_mesh import running_mesh
from deploy.tools.text_table import table

_SESSIONS = 20
_CONNECTIONS = 16
# A refresh token may be used again for 20 s; the same ones serve for a whole phase.
_SECONDS_MAX = 15


def main() -> None:
    """Measure both phases and print what the flood changed."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with running_mesh(Path(folder)) as mesh:
            market = Market.open(mesh.url)
            people = _people(mesh.url)
            phases = {
                name: _phase(market, people, seconds=options.seconds, logins_per_s=logins)
                for name, logins in (("warm-up", 0), ("alone", 0), ("flooded", options.logins))
            }
    rows = _compare(phases["alone"], phases["flooded"])
    report = {"machine": machine(), "seconds": options.seconds, "logins_per_s": options.logins, "workloads": rows}
    if options.keep:
        (RESULTS / "logins.json").write_text(json.dumps(report, indent=1) + "\n")
    header = ("workload", "per s", "alone p99 ms", "flooded p99 ms", "times", "alone answers", "flooded answers")
    print(table(header, [tuple(row[name] for name in header) for row in rows]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logins", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, choices=range(1, _SECONDS_MAX + 1), metavar="1..15")
    parser.add_argument("--logins", type=int, default=20, help="sign-ins begun per second")
    parser.add_argument("--keep", action="store_true", help="write the results file")
    return parser.parse_args()


def _people(url: str) -> list[tuple[str, str]]:
    """Return e-mail address and password of those who sign in."""
    cast = Cast(url)
    return [(cast.store(f"person-{number}", store_type="buyer").email, PASSWORD) for number in range(4)]


def _phase(
    market: Market, people: list[tuple[str, str]], *, seconds: int, logins_per_s: int
) -> dict[str, tuple[int, Outcome]]:
    """Run all workloads at once; returns rate and outcome by name."""
    tokens = [_refresh_token(market.url, *people[number % len(people)]) for number in range(_SESSIONS)]
    workloads = {
        "refresh": (20, [_refresh(tokens[number % _SESSIONS]) for number in range(20 * seconds)]),
        "checkout 2×3 lines": (10, market.checkouts(10 * seconds)),
        "readiness": (5, [Request.of("GET", "/health/ready", headers={})] * (5 * seconds)),
        "sign in": (
            logins_per_s,
            [_login(*people[number % len(people)]) for number in range(logins_per_s * seconds)],
        ),
    }
    with ThreadPoolExecutor(len(workloads)) as threads:
        running = {
            name: (rate, threads.submit(partial(run, connections=_CONNECTIONS, rate=float(rate)), "127.0.0.1", market.port, requests))
            for name, (rate, requests) in workloads.items()
            if requests
        }  # fmt: skip
        return {name: (rate, future.result()) for name, (rate, future) in running.items()}


def _compare(alone: dict[str, tuple[int, Outcome]], flooded: dict[str, tuple[int, Outcome]]) -> list[dict[str, Any]]:
    rows = []
    for name, (rate, outcome) in flooded.items():
        before = alone.get(name, (0, Outcome()))[1]
        p99, p99_before = outcome.percentile_ms(0.99), before.percentile_ms(0.99)
        rows.append(
            {
                "workload": name,
                "per s": rate,
                "alone p99 ms": round(p99_before, 1),
                "flooded p99 ms": round(p99, 1),
                "times": round(p99 / p99_before, 1) if p99_before else "",
                "alone answers": _answers(before),
                "flooded answers": _answers(outcome),
            }
        )
    return rows


def _answers(outcome: Outcome) -> str:
    counted = Counter(str(status) for status, _ in outcome.unexpected)
    counted["as expected"] = len(outcome.latencies)
    return ", ".join(f"{count} {what}" for what, count in sorted(counted.items()) if count)


def _refresh_token(url: str, email: str, password: str) -> str:
    client = Cast(url).client()
    client.sign_in("/api/v1/auth/login", {"email": email, "password": password}, title="signs in")
    return client.refresh_token


def _refresh(token: str) -> Request:
    return _json("/api/v1/auth/refresh", {"refresh_token": token})


def _login(email: str, password: str) -> Request:
    return _json("/api/v1/auth/login", {"email": email, "password": password})


def _json(path: str, body: dict[str, str]) -> Request:
    headers = {"content-type": "application/json"}
    return Request.of("POST", path, headers=headers, body=json.dumps(body).encode())


if __name__ == "__main__":
    main()
