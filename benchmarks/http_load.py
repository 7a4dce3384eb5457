"""A load generator that costs little: HTTP/1.1 over kept-alive connections, one request at a time per connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One request, already rendered."""

    data: bytes
    expect: int

    @classmethod
    def of(cls, method: str, path: str, *, headers: dict[str, str], body: bytes = b"", expect: int = 200) -> Request:
        """Render a request."""
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return cls(("\r\n".join(lines) + "\r\n\r\n").encode() + body, expect)


@dataclass
class Outcome:
    """What a run measured; times in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    unexpected: list[tuple[int, bytes]] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        """Return a latency percentile in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0

    @property
    def rate(self) -> float:
        """Return expected answers per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0


def run(host: str, port: int, requests: Sequence[Request], *, connections: int, rate: float = 0.0) -> Outcome:
    """Send all requests over `connections`; with `rate` they start on a fixed schedule, else as fast as answers come.

    On a schedule (open loop) latency counts from the scheduled start, so that a stall is not hidden.
    """
    return asyncio.run(_run(host, port, requests, connections, rate))


async def _run(host: str, port: int, requests: Sequence[Request], connections: int, rate: float) -> Outcome:
    outcome = Outcome()
    started = time.perf_counter()
    schedule = enumerate(requests)
    workers = [_worker(host, port, schedule, outcome, started, rate) for _ in range(connections)]
    await asyncio.gather(*workers)
    outcome.seconds = time.perf_counter() - started
    return outcome


async def _worker(
    host: str, port: int, schedule: Iterator[tuple[int, Request]], outcome: Outcome, started: float, rate: float
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for index, request in schedule:
        due = started + index / rate if rate else time.perf_counter()
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        writer.write(request.data)
        status, body = await _answer(reader)
        if status == request.expect:
            outcome.latencies.append(time.perf_counter() - due)
        else:
            outcome.unexpected.append((status, body[:300]))
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        return status, await _chunks(reader)
    at = lowered.find(b"content-length: ")
    length = int(lowered[at + 16 : lowered.index(b"\r\n", at)]) if at >= 0 else 0
    return status, await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
