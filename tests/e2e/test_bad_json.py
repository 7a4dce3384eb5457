"""What only JSON can spoil, through the real Envoy: fractions, numbers beyond 64 bits, words for numbers, wrong types."""

from __future__ import annotations

import copy
import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.tools.connection import transactions_of
from deploy.tools.rest_client import Answer, RestClient
from deploy.tools.story import product_body
from meshkit.call import Call
from meshkit.db.sql import sql
from tests.e2e.market import Market
from tests.e2e.rest import detail, raw

pytestmark = pytest.mark.timeout(420)

# What a call of its own leaves, whatever it was.
_LOGS = {"audit_log", "audit_chain", "idempotency_keys", "inbox", "outbox", "job_runs", "alembic_version"}
_TABLES = sql("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
_NO_INTEGER: list[Any] = [1.5, "1.5", 2**63, str(2**63), -(2**63) - 1, 1e30, "abc", True, [], {}, "", " 1", "0x10"]
_NO_TEXT: list[Any] = [7, True, [], {"a": 1}]
_NO_ENUM: list[Any] = ["gold", "ACCEPT", 999, -1, 1.5, True, [], ""]
_NO_LIST: list[Any] = ["x", 999, {"a": 1}, [999], [[]], [None]]


@dataclass
class Route:
    """A write with a valid body, and what no value of each of its fields may be."""

    client: RestClient
    path: str
    body: dict[str, Any]
    bad: dict[str, list[Any]]
    method: str = "POST"


def routes_of(market: Market) -> list[Route]:
    product, order = market.product(), market.order()
    item = {"product_id": product["id"], "vendor_store_id": product["vendor_store_id"], "quantity": 1}
    at_vendor, in_stock = f"/api/v1/vendor/orders/{order['order_id']}", f"/api/v1/inventory/{product['id']}"
    money = {"amount_cents": "5", "currency": "USD", "reason": "broken"}
    admin, agent = market.people.admin.client, market.people.agent.client
    return [
        Route(
            market.vendor,
            "/api/v1/vendor/products",
            product_body(uuid.uuid4().hex, price_cents="5", moq=1),
            {"price_cents": _NO_INTEGER, "moq": [*_NO_INTEGER, 2**31], "category": _NO_ENUM, "feelings": _NO_LIST},
        ),
        Route(
            market.buyer,
            "/api/v1/cart",
            {"buyer_store_id": market.people.buyer.store_id, "items": [item]},
            {"items.quantity": [1.5, 2**31, "2147483648", "abc", -1, 0], "items": _NO_LIST, "buyer_store_id": _NO_TEXT},
        ),
        Route(
            market.buyer,
            "/api/v1/checkout",
            market.checkout_body(market.quote((product, 1))),
            {"tip_cents": [1.5, 2**63, "abc"], "payment_method": _NO_ENUM, "shipping_address": ["x", 7, []]},
        ),
        Route(market.vendor, f"{at_vendor}/decision", {"decision": "accept"}, {"decision": _NO_ENUM}),
        Route(market.vendor, f"{in_stock}/receipts", {"quantity": 1}, {"quantity": [1.5, 2**31, -(2**31) - 1, "abc"]}),
        Route(admin, f"/api/v1/admin/orders/{order['order_id']}/refund", money, {"amount_cents": [1.5, 2**63, "abc"]}),
        Route(
            agent,
            f"/api/v1/agent/orders/{order['order_id']}/cash-collected",
            {"amount_cents": "5", "currency": "USD"},
            {"amount_cents": [0.1, str(2**63)], "currency": [7, None, "usd"]},
        ),
    ]


def spoiled(body: dict[str, Any], path: str, value: Any) -> bytes:
    """Return the body with one field replaced; `items.quantity` is in the first of the items."""
    copied = copy.deepcopy(body)
    *lists, name = path.split(".")
    target = copied[lists[0]][0] if lists else copied
    target[name] = value
    return json.dumps(copied).encode()


def written() -> dict[str, dict[str, int]]:
    """Return how many rows the tables of the money path have."""
    counts = {}
    for service in ("catalog", "commerce", "fulfillment", "finance"):
        transactions = transactions_of(service)
        with transactions.read(Call()) as tx:
            names = {row.name for row in tx.execute(_TABLES)} - _LOGS
            counts[service] = {
                name: tx.execute(sql(f'SELECT count(*) AS n FROM "{name}"')).one().n for name in sorted(names)
            }
        transactions.database.close()
    return counts


def refused_naming(answer: Answer, field: str, value: Any) -> bool:
    """Return whether the answer is 400 and names the field.

    Envoy's reader does not say in which field a list stands that should be none: then it is the body that is named.
    """
    if answer.status != 400:
        return False
    named = {item["field"] for item in detail(answer, "BadRequest")["field_violations"]}
    return any(name.startswith(field.split(".", maxsplit=1)[0]) for name in named) or (
        value == [] and named == {"body"}
    )


def test_json_of_the_wrong_kind_is_400_naming_the_field_and_writes_nothing(market: Market) -> None:
    routes, wrong, calls = routes_of(market), [], 0
    before = written()
    for route in routes:
        for field, values in route.bad.items():
            for value in values:
                calls += 1
                answer = raw(
                    route.client,
                    route.method,
                    route.path,
                    data=spoiled(route.body, field, value),
                    key=uuid.uuid4().hex,
                )
                if not refused_naming(answer, field, value):
                    wrong.append((route.path, field, value, answer.status, answer.body))

    assert not wrong, "\n".join(str(each)[:400] for each in wrong)
    assert written() == before
    assert calls > 60


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b'"x"', b"7", b"{", b'{"a"', b"\xff\xfe", b'{"decision": "accept"} x', b"[" * 20_000],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_object_is_400(market: Market, data: bytes) -> None:
    path = f"/api/v1/vendor/orders/{uuid.uuid4()}/decision"

    answer = raw(market.vendor, "POST", path, data=data, key=uuid.uuid4().hex)

    assert answer.status == 400, answer.body
    assert detail(answer, "ErrorInfo")["reason"] == "VALIDATION_ERROR"
    assert detail(answer, "BadRequest")["field_violations"]
