"""The lists use the indexes that were made for them, and the hot path keeps its budget of statements."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from meshkit.db.sql import Sql
from services.commerce.orders.data import lifetimes
from services.commerce.orders.domain.order_state import ACTIONABLE
from services.commerce.schema.base import one_of
from tests.commerce.market import Market
from tests.support.statements import leave_only, owner_transaction, recorded_statements

NEWEST = "ORDER BY created_at DESC, id DESC LIMIT 26"
CHASSIS = ("idempotency_keys", "INTO outbox", "audit_log")


class TestOrderLists:
    @pytest.mark.parametrize(
        ("where", "index"),
        [
            ("buyer_store_id = CAST(:id AS uuid)", "vendor_orders_buyer_idx"),
            ("vendor_store_id = CAST(:id AS uuid)", "vendor_orders_vendor_idx"),
            ("vendor_store_id = CAST(:id AS uuid) AND status = 'accepted'", "vendor_orders_vendor_status_idx"),
            (
                f"vendor_store_id = CAST(:id AS uuid) AND {one_of('status', ACTIONABLE)}",
                "vendor_orders_actionable_idx",
            ),
            ("cart_id = CAST(:id AS uuid)", "vendor_orders_cart_id_idx"),
            ("checkout_group_id = CAST(:id AS uuid)", "vendor_orders_checkout_group_id_vendor_store_id_key"),
        ],
    )
    def test_have_an_index_each(self, market: Market, where: str, index: str) -> None:
        order = NEWEST if "store_id" in where else ""

        plan = explain(market, f"SELECT * FROM vendor_orders WHERE {where} {order}", only=index)

        assert index in plan
        assert "Sort" not in plan

    @pytest.mark.parametrize("statement", [lifetimes._DUE_TO_EXPIRE, lifetimes._DUE_TO_REMIND])
    def test_find_what_waits_too_long_by_index(self, market: Market, statement: Sql) -> None:
        query = statement.text.replace(":now", "now()").replace(":limit", "9")

        plan = explain(market, query.replace(":nudge_days", "5").replace(":expiry_days", "10"))

        assert "Index Scan using vendor_orders_pending_idx" in plan
        assert "Sort" not in plan

    def test_find_the_lines_of_a_page_by_index(self, market: Market) -> None:
        plan = explain(market, "SELECT * FROM order_line_items WHERE order_id = ANY(ARRAY[CAST(:id AS uuid)])")

        assert "order_line_items_order_id_cart_item_id_key" in plan


class TestAttribution:
    def test_a_buyer_s_carts_are_found_by_index(self, market: Market) -> None:
        query = "SELECT * FROM cart_records WHERE buyer_store_id = CAST(:id AS uuid) ORDER BY updated_at DESC LIMIT 9"

        plan = explain(market, query)

        assert "cart_records_buyer_updated_at_idx" in plan
        assert "Sort" not in plan

    @pytest.mark.parametrize("table", ["vendor_orders", "order_line_items"])
    def test_what_an_ad_earned_is_found_by_index(self, market: Market, table: str) -> None:
        plan = explain(market, f"SELECT * FROM {table} WHERE attributed_ad_id = CAST(:id AS uuid)")

        assert f"{table}_attributed_ad_id_idx" in plan

    @pytest.mark.parametrize("table", ["vendor_orders", "order_line_items"])
    @pytest.mark.parametrize("change", ["attributed_ad_id = id", "attribution = jsonb_build_object('ad_id', id)"])
    def test_column_and_document_name_the_same_ad(self, market: Market, table: str, change: str) -> None:
        order = market.order()
        column = "id" if table == "vendor_orders" else "order_id"

        with (
            pytest.raises(IntegrityError, match=f"{table}_attribution_check"),
            market.mesh.transaction("commerce") as tx,
        ):
            tx.execute(text(f"UPDATE {table} SET {change} WHERE {column} = :id"), {"id": uuid.UUID(order.order_id)})


def explain(market: Market, query: str, *, only: str = "") -> str:
    """Return how Postgres answers a query when the table is too large to be read in whole; with `only`, by that index of it."""
    url = market.mesh.stack.addresses.database_url("commerce", kind="owner")
    with owner_transaction(url, now=market.mesh.clock.now()) as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        tx.execute(text("SET LOCAL enable_bitmapscan = off"))
        if only:
            leave_only(tx, only)
        rows = tx.execute(text(f"EXPLAIN {query}"), {"id": str(uuid.uuid4())})
        return "\n".join(row[0] for row in rows)


class TestStatements:
    def test_an_order_its_lines_and_its_agent_take_three(self, market: Market) -> None:
        order = market.order((market.product(), 1), (market.product(), 1))

        with recorded_statements(market.mesh.process("commerce").database) as run:
            market.read(order.order_id)

        assert [len(transaction) for transaction in run] == [3]

    @pytest.mark.parametrize("side", ["buyer", "vendor"])
    def test_every_filter_reads_a_store_s_orders_by_index(self, market: Market, side: str) -> None:
        market.order()
        mine = f"{side}_store_id = CAST(:id AS uuid)"
        # Not a status that the partial indexes of vendors' queues imply: with few rows the planner may take one of those.
        filters = (
            "status IN ('delivered') AND fulfillment_status IN ('pending') AND shipping_status IN ('pending')"
            " AND payment_status IN ('unpaid') AND created_at >= now() - interval '9 days' AND created_at < now()"
            " AND (buyer_store_name ILIKE '%x%' OR order_number = 5)"
        )

        plan = explain(market, f"SELECT * FROM vendor_orders WHERE {mine} AND {filters} {NEWEST}")

        assert f"vendor_orders_{side}" in plan
        assert "Sort" not in plan

    def test_checkout_keeps_its_budget_however_large_the_cart(self, market: Market) -> None:
        database = market.mesh.process("commerce").database
        vendors = [market.vendor, *(market.new_vendor() for _ in range(4))]
        wanted = [(market.product(vendor), 2) for vendor in vendors for _ in range(4)]
        small, key = market.quote(), uuid.uuid4().hex
        with recorded_statements(database) as for_one_line:
            market.checkout(small.id, quote_version=small.quote_version, key=key)
        large = market.quote(*wanted)
        with recorded_statements(database) as for_twenty_lines:
            market.checkout(large.id, quote_version=large.quote_version)

        counts = [[len(own(transaction)) for transaction in run] for run in (for_one_line, for_twenty_lines)]
        # Begin (lock cart, read snapshot, attempt); convert (cart, orders with their lines, attempt).
        assert counts == [[3, 3], [3, 3]]
        # The key's claim, then its lock; audit row, answer and events together.
        assert [len(transaction) for transaction in for_twenty_lines] == [4, 5]

    def test_a_quote_takes_the_same_statements_however_large(self, market: Market) -> None:
        database = market.mesh.process("commerce").database
        wanted = [(market.product(market.new_vendor()), 2) for _ in range(10)]
        with recorded_statements(database) as run:
            market.quote(*wanted)

        assert sum(len(own(transaction)) for transaction in run) <= 11


def own(statements: list[str]) -> list[str]:
    return [statement for statement in statements if not any(name in statement for name in CHASSIS)]
