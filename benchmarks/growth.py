"""Measure what a checkout costs once many orders are stored: `make bench-growth`.

One real order is copied, with its cart, lines, reservations, intent and events, until each table holds as many as the size says;
a tenth of them belong to the store that sells in the benchmark. Copies are history: no invariant is proven afterwards.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.http_load import Request
from benchmarks.machine import machine
from benchmarks.market import Market
from benchmarks.run import measure
from deploy.tools.running_mesh import running_mesh
from deploy.tools.text_table import table

RESULTS = Path(__file__).with_name("results") / "growth.json"
SIZES = (1_000, 100_000, 1_000_000)
_CHECKOUTS = 400
_CHUNK = 50_000

# A copy's ids follow from its number, so that tables fit together; {0} is the number.
_ID = "md5('{what}' || {number})::uuid"
_AGO = "now() - interval '400 days' * random()"
_SELLER = "CASE WHEN mod(n.i, 10) = 0 THEN t.vendor_store_id ELSE md5('store' || mod(n.i, 1000))::uuid END"


def _id(what: str, number: str = "n.i") -> str:
    return _ID.format(what=what, number=number)


# Per service and table: what differs from the original, and how many copies an order has.
_COPIES: dict[str, list[tuple[str, int, dict[str, str]]]] = {
    "commerce": [
        ("cart_records", 1, {"id": _id("cart"), "buyer_store_id": _id("buyer"), "checkout_group_id": _id("group"),
                             "created_at": _AGO}),
        ("cart_items", 3, {"id": _id("line"), "cart_id": _id("cart", "(n.i / 3)"), "product_id": _id("product")}),
        ("checkout_attempts", 1, {"cart_id": _id("cart"), "checkout_group_id": _id("group")}),
        ("vendor_orders", 1, {"id": _id("order"), "cart_id": _id("cart"), "checkout_group_id": _id("group"),
                              "buyer_store_id": _id("buyer"), "vendor_store_id": _SELLER, "status": "'closed'",
                              "created_at": _AGO}),
        ("order_line_items", 3, {"id": _id("line"), "order_id": _id("order", "(n.i / 3)"), "cart_item_id": _id("line")}),
        ("outbox", 1, {"event_id": _id("event"), "once_key": "NULL", "published_at": _AGO}),
        ("inbox", 1, {"event_id": _id("event"), "handled_at": _AGO}),
        ("audit_log", 1, {"id": _id("audit"), "occurred_at": _AGO}),
        ("idempotency_keys", 1, {"key": "md5('key' || n.i)"}),
    ],
    "catalog": [
        ("reservations", 3, {"line_id": _id("line"), "group_id": _id("group", "(n.i / 3)"),
                             "order_id": _id("order", "(n.i / 3)"), "state": "'consumed'", "expires_at": "NULL"}),
        ("inbox", 1, {"event_id": _id("event"), "handled_at": _AGO}),
    ],
    "finance": [
        ("payment_intents", 1, {"id": _id("intent"), "subject_id": _id("order"), "vendor_store_id": _SELLER,
                                "status": "'paid'", "created_at": _AGO}),
        ("inbox", 1, {"event_id": _id("event"), "handled_at": _AGO}),
    ],
    "identity": [
        ("notifications", 2, {"id": _id("notice"), "store_id": _id("buyer"), "created_at": _AGO}),
        ("inbox", 1, {"event_id": _id("event"), "handled_at": _AGO}),
    ],
}  # fmt: skip
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO' ORDER BY ordinal_position"
)


def main() -> None:
    """Measure at each size and keep the numbers."""
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with running_mesh(Path(folder)) as mesh:
            market = Market.open(mesh.url)
            measure(mesh, "warm", market.checkouts(100), 8, 0.0)
            stored = 0
            for size in sizes:
                grow(stored, size)
                stored = size
                for name, requests in _workloads(market):
                    results.append({"stored": size, **_kept(measure(mesh, name, requests, 8, 0.0))})
                    print(results[-1], flush=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "workloads": results}, indent=1) + "\n")
    print(table(tuple(results[0]), [tuple(result.values()) for result in results]))


def grow(stored: int, size: int) -> None:
    """Add copies number `stored` to `size` to every table; then let Postgres settle."""
    for service, copies in _COPIES.items():
        dsn = os.environ[f"{service.upper()}_MIGRATION_DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(dsn, autocommit=True) as connection:
            for name, each, different in copies:
                _copy(connection, name, different, first=stored * each, last=size * each)
                connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(name)))
    time.sleep(5)


def _copy(connection: psycopg.Connection[Any], name: str, different: dict[str, str], *, first: int, last: int) -> None:
    columns = [row[0] for row in connection.execute(_COLUMNS, [name])]
    chosen = ", ".join(different.get(column, f"t.{column}") for column in columns)
    statement = (
        f"INSERT INTO {name} ({', '.join(columns)}) SELECT {chosen}"
        f" FROM (SELECT * FROM {name} LIMIT 1) AS t, generate_series(%s::bigint, %s::bigint) AS n(i)"
    )
    for start in range(first, last, _CHUNK):
        connection.execute(statement, [start, min(start + _CHUNK, last) - 1])  # type: ignore[arg-type]


def _workloads(market: Market) -> list[tuple[str, list[Request]]]:
    return [("checkout 2×3 lines", market.checkouts(_CHECKOUTS)), ("read product", market.reads(_CHECKOUTS))]


def _kept(measured: dict[str, Any]) -> dict[str, Any]:
    names = ("workload", "per s", "p50 ms", "p99 ms", "errors", "cpu ms/req")
    return {**{name: measured[name] for name in names}, "postgres ms": measured["cpu ms/req by part"]["postgres"]}


if __name__ == "__main__":
    main()
