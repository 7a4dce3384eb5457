"""What others said of an order, and what its cart says, moves out of its row and back, with everything that is in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from meshkit.db import migrate
from services.commerce.orders.usecases.prove_orders import prove_orders
from tests.commerce.market import Market
from tests.commerce.stages import STAGES, bring_to
from tests.support.database_copy import database_copy, running_on
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction

_COPIED = "order_parts_copy"
_TABLES = ("vendor_orders", "cart_records", "order_settlements", "order_delivery_steps", "order_retries")
# What is said to two vendors at once, in this file only.
_TO_BOTH = "Ring twice, whichever of you comes."
_NO_SETTLEMENT = {"refunded_cents": 0, "credited_cents": 0, "vendor_paid_at": None, "payout_returned_at": None}
_NO_STEPS = {"picked_up_at": None, "picked_up_by": None, "delivered_by": None}
Row = dict[str, Any]


@dataclass(frozen=True)
class Copy:
    """A database of its own with what commerce keeps, and nobody connected."""

    url: str
    mesh: MeshHarness

    def run(self, statement: str) -> None:
        """Run a statement for its effect."""
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            connection.execute(statement)

    def rows(self, table: str) -> dict[uuid.UUID, Row]:
        """Return a table's rows as documents, by their key."""
        with owner_transaction(self.url, now=self.mesh.clock.now()) as tx:
            found = [dict(row._mapping) for row in tx.execute(text(f"SELECT * FROM {table}"))]  # noqa: SLF001
        return {row.get("order_id") or row["id"]: row for row in found}

    def problems(self) -> list[str]:
        """Return what the prover says."""
        with owner_transaction(self.url, now=self.mesh.clock.now()) as tx:
            return prove_orders(tx)


@pytest.fixture
def copied(market: Market) -> Iterator[Copy]:
    """Fill commerce with orders in every state; return a copy of its database."""
    _fill(market)
    with database_copy(market.mesh.stack.addresses.superuser_dsn, "commerce", _COPIED) as url:
        yield Copy(url, market.mesh)


def _fill(market: Market) -> None:
    for stage in STAGES:
        bring_to(market, stage)
    line = {"code": "van", "title": "Van", "price_cents": 300}
    wanted = (market.product(), 1), (market.product(market.new_vendor()), 1)
    quote = market.quote(*wanted, tokens=["a", "b"])
    market.checkout(quote.id, shipping_line=line, notes=_TO_BOTH)
    noted = market.checkout(market.quote(tokens=["c"]).id, shipping_line=line, notes="Ring once.").vendor_orders[0]
    market.expire(noted.order_id)
    market.retry(noted.order_id)
    for refunded in (400, 1000):
        market.finance("PaymentRefunded", market.closed().order_id, refunded_cents=refunded)
    credited = bring_to(market, "delivered")
    market.finance("PaymentRefunded", credited.order_id, refunded_cents=7, credited_cents=7)
    returned = market.closed()
    market.mesh.clock.advance(timedelta(days=1))
    market.finance("PayoutReturned", returned.order_id, returned_at=market.mesh.clock.now())


class TestOrderParts:
    def test_go_down_and_up_with_everything_that_is_kept(self, copied: Copy) -> None:
        today = {table: copied.rows(table) for table in _TABLES}
        assert copied.problems() == []

        migrate.downgrade(service="commerce", url=copied.url, revision="0012")
        before = copied.rows("vendor_orders")
        migrate.upgrade(service="commerce", url=copied.url)

        assert {table: copied.rows(table) for table in _TABLES} == today
        assert copied.problems() == []
        assert before == {order_id: _of_before(row, today) for order_id, row in today["vendor_orders"].items()}
        for name in (*_NO_SETTLEMENT, *_NO_STEPS, "retry_of", "notes", "shipping_line", "attribution_tokens"):
            assert len({str(row[name]) for row in before.values()}) > 1, f"nothing is tried with {name}"
        assert {row["refund_status"] for row in before.values()} == {"none", "partial", "full"}

    @pytest.mark.parametrize(
        "change",
        [
            "shipping_address = jsonb_set(shipping_address, '{city}', '\"Elsewhere\"')",
            "notes = 'Never mind.'",
            """shipping_line = '{"code": "boat"}'""",
            """attribution_tokens = '["x"]'""",
            "retry_of = (SELECT max(id::text)::uuid FROM vendor_orders e WHERE e.id <> o.id AND e.retry_of IS NULL)",
        ],
    )
    def test_of_an_order_that_says_something_else_than_its_cart_do_not_go_up(self, copied: Copy, change: str) -> None:
        migrate.downgrade(service="commerce", url=copied.url, revision="0012")
        copied.run(
            f"UPDATE vendor_orders o SET {change}"
            f" WHERE id = (SELECT id FROM vendor_orders WHERE notes = '{_TO_BOTH}' LIMIT 1)"
        )

        with pytest.raises(migrate.MigrationRefused, match="does not say what its cart or its retry says"):
            migrate.upgrade(service="commerce", url=copied.url)

        assert len(copied.rows("vendor_orders")) > len(STAGES), "nothing is lost"

    def test_are_refused_while_commerce_runs(self, copied: Copy) -> None:
        with (
            running_on(copied.mesh.stack.addresses.superuser_dsn, copied.url),
            pytest.raises(migrate.MigrationRefused, match="is still running"),
        ):
            migrate.downgrade(service="commerce", url=copied.url, revision="0012")


def _of_before(row: Row, today: dict[str, dict[uuid.UUID, Row]]) -> Row:
    cart = today["cart_records"][row["cart_id"]]
    settlement = {**_NO_SETTLEMENT, **today["order_settlements"].get(row["id"], {})}
    steps = {**_NO_STEPS, **today["order_delivery_steps"].get(row["id"], {})}
    retried = {retry["checkout_group_id"]: retry["order_id"] for retry in today["order_retries"].values()}
    refunded = settlement["refunded_cents"]
    return {
        **row,
        **{name: cart[name] for name in ("shipping_address", "shipping_line", "notes", "attribution_tokens")},
        **{name: settlement[name] for name in _NO_SETTLEMENT},
        **{name: steps[name] for name in _NO_STEPS},
        "retry_of": retried.get(row["checkout_group_id"]),
        "refund_status": "none" if refunded == 0 else "full" if refunded == row["total_cents"] else "partial",
    }
