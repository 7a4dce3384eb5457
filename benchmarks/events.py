"""Measure the event path alone: `make bench-events`. Outbox, relay, Pub/Sub server and real consumers, no gateway.

Prints what an event costs by process, how fast a backlog is worked off, and how long effects take at a steady rate.
Compare runs of one machine only.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.events_mesh import CONSUMERS, EventsMesh, events_mesh
from deploy.tools.text_table import table
from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from meshkit.call import Call
from meshkit.events.relay import Relay

_LINES = 3
_ORDERS = 2
_PATIENCE_SECONDS = 600.0
_RESERVE = """
    INSERT INTO reservations (line_id, group_id, order_id, product_id, quantity, state, reason, expires_at, created_at,
                              updated_at)
    VALUES (%s, %s, %s, %s, 1, 'reserved', '', now() + interval '1 day', now(), now())
"""


@dataclass(frozen=True)
class Checkout:
    """What one checkout tells the mesh: its orders, and that it is done."""

    orders: list[commerce.OrderSnapshot]

    def events(self) -> Iterator[commerce.OrderCreated | commerce.CheckoutConverted]:
        """Return its events."""
        for order in self.orders:
            yield commerce.OrderCreated(order_id=order.order_id, order=order)
        first = self.orders[0]
        yield commerce.CheckoutConverted(
            checkout_group_id=first.checkout_group_id,
            cart_id=str(uuid.uuid4()),
            buyer_store_id=first.buyer_store_id,
            order_ids=[order.order_id for order in self.orders],
            vendor_store_ids=[order.vendor_store_id for order in self.orders],
            currency="USD",
            total_cents=2000,
        )


@dataclass
class Result:
    """One workload's numbers."""

    workload: str
    events: int
    seconds: float
    cpu: dict[str, float]
    latency: dict[str, float] = field(default_factory=dict)

    def row(self) -> tuple[object, ...]:
        """Return the line of the table."""
        per_checkout = sum(self.cpu.values()) * 1000 / (self.events / (_ORDERS + 1))
        return (
            self.workload,
            self.events,
            round(self.events / self.seconds),
            round(per_checkout, 2),
            *(round(self.latency[name], 1) if self.latency else "" for name in ("p50", "p99", "max")),
        )

    def by_process(self) -> dict[str, float]:
        """Return milliseconds of processor time per checkout (three events) by process."""
        checkouts = self.events / (_ORDERS + 1)
        return {name: round(seconds * 1000 / checkouts, 2) for name, seconds in self.cpu.items()}


def main() -> None:
    """Run the workloads and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkouts", type=int, default=3000, help="backlog of the catch-up")
    parser.add_argument("--rates", type=float, nargs="*", default=[50, 100, 200], help="checkouts per second")
    parser.add_argument("--seconds", type=float, default=15, help="how long each rate lasts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with events_mesh(Path(folder)) as mesh:
            results = list(_workloads(mesh, arguments))
    print(
        table(
            ("workload", "events", "per s", "cpu ms/checkout", "p50 ms", "p99 ms", "max ms"), [r.row() for r in results]
        )
    )
    for result in results:
        print(result.workload, json.dumps(result.by_process()))
    print("load:", [round(load, 1) for load in psutil.getloadavg()])


def _workloads(mesh: EventsMesh, arguments: argparse.Namespace) -> Iterator[Result]:
    mesh.start(CONSUMERS[0])
    for _ in range(2):  # once to warm up
        result = _catch_up(mesh, f"catch up, {CONSUMERS[0]} only", arguments.checkouts)
    yield result
    for service in CONSUMERS[1:]:
        mesh.start(service)
    _catch_up(mesh, "warm up", 200)
    yield _catch_up(mesh, "catch up, all", arguments.checkouts)
    for rate in arguments.rates:
        yield _steady(mesh, rate, arguments.seconds)


def _catch_up(mesh: EventsMesh, workload: str, count: int) -> Result:
    """Leave a backlog in the outbox, start the relay, and wait for the last effect."""
    mesh.forget()
    checkouts = _prepare(mesh, count)
    for start in range(0, count, 100):
        _emit(mesh, checkouts[start : start + 100])
    with _measured(mesh) as spent:
        started = time.time()
        with _relaying(mesh):
            _wait(mesh, count * _ORDERS)
    ended = max(max(mesh.effects(service).values()) for service in mesh.processes)
    return Result(workload, count * (_ORDERS + 1), ended - started, spent)


def _steady(mesh: EventsMesh, rate: float, seconds: float) -> Result:
    """Commit checkouts at a fixed rate and look when their effects committed."""
    mesh.forget()
    checkouts = _prepare(mesh, int(rate * seconds))
    committed: dict[str, float] = {}
    with _measured(mesh) as spent, _relaying(mesh) as relay:
        started = time.time()
        for number, checkout in enumerate(checkouts):
            time.sleep(max(0.0, started + number / rate - time.time()))
            ids = _emit(mesh, [checkout])
            relay.wake.set()
            committed |= dict.fromkeys(ids, time.time())
        lasted = time.time() - started
        _wait(mesh, len(checkouts) * _ORDERS)
    waits = sorted(
        (at - committed[event_id]) * 1000
        for service in mesh.processes
        for event_id, at in mesh.effects(service).items()
    )
    latency = {"p50": waits[len(waits) // 2], "p99": waits[int(len(waits) * 0.99)], "max": waits[-1]}
    return Result(f"{rate:g} checkouts/s", len(checkouts) * (_ORDERS + 1), lasted, spent, latency)


@contextmanager
def _relaying(mesh: EventsMesh) -> Iterator[Relay]:
    relay, stop = Relay(mesh.producer, mesh.bus), threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,), name="relay")
    thread.start()
    try:
        yield relay
    finally:
        stop.set()
        relay.wake.set()
        thread.join()


@contextmanager
def _measured(mesh: EventsMesh) -> Iterator[dict[str, float]]:
    """Yield what the block will have cost by process; the relay is all of this process but the calling thread."""
    before = _spent(mesh)
    spent: dict[str, float] = {}
    yield spent
    spent |= {name: seconds - before.get(name, 0.0) for name, seconds in _spent(mesh).items()}


def _spent(mesh: EventsMesh) -> dict[str, float]:
    return {**mesh.cpu_seconds(), "relay": time.process_time() - time.thread_time()}


def _wait(mesh: EventsMesh, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while any(mesh.handled(service) < count for service in mesh.processes):
        assert time.monotonic() < deadline, {service: mesh.handled(service) for service in mesh.processes}
        time.sleep(0.1)


def _prepare(mesh: EventsMesh, count: int) -> list[Checkout]:
    """Return checkouts whose stock catalog has reserved."""
    checkouts = [_checkout() for _ in range(count)]
    catalog = mesh.databases["catalog"]
    with catalog.transaction():
        catalog.cursor().executemany(_RESERVE, list(_reservations(checkouts)))
    for connection in mesh.databases.values():
        connection.execute("VACUUM ANALYZE")
    return checkouts


def _reservations(checkouts: Iterable[Checkout]) -> Iterator[tuple[str, str, str, str]]:
    for checkout in checkouts:
        for order in checkout.orders:
            for line in order.lines:
                yield line.line_item_id, order.checkout_group_id, order.order_id, line.product_id


def _emit(mesh: EventsMesh, checkouts: Iterable[Checkout]) -> list[str]:
    """Commit the events of checkouts in one transaction; returns the ids of those that have consumers."""
    call = Call(request_id=uuid.uuid4().hex, traceparent=f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01")
    with mesh.producer.write(call) as tx:
        for checkout in checkouts:
            for event in checkout.events():
                tx.emit(event)
        return [str(event.event_id) for event in tx.events if event.spec.type == "order_created"]


def _checkout() -> Checkout:
    buyer, group = str(uuid.uuid4()), str(uuid.uuid4())
    return Checkout([_order(buyer, group, number) for number in range(_ORDERS)])


def _order(buyer: str, group: str, number: int) -> commerce.OrderSnapshot:
    order = commerce.OrderSnapshot(
        order_id=str(uuid.uuid4()),
        order_number=1000 + number,
        checkout_group_id=group,
        buyer_store_id=buyer,
        buyer_store_name="Corner Store",
        vendor_store_id=str(uuid.uuid4()),
        vendor_store_name="Green Farm",
        status="created_pending",
        fulfillment_status="pending",
        shipping_status="pending",
        payment_method="cash",
        payment_intent_id=str(uuid.uuid4()),
        currency="USD",
        subtotal_cents=3000,
        total_cents=3000,
        balance_due_cents=3000,
        shipping_zip="74103",
        shipping_lat=36.154,
        shipping_lng=-95.993,
        shipping_state="OK",
        version=1,
    )
    order.created_at.FromDatetime(datetime.now(UTC))
    for _ in range(_LINES):
        order.lines.add(
            line_item_id=str(uuid.uuid4()),
            product_id=str(uuid.uuid4()),
            product_name="Blue Dream",
            category="flower",
            qty=1,
            unit_price_cents=1000,
            total_cents=1000,
            status="pending",
        )
    return order


if __name__ == "__main__":
    main()
