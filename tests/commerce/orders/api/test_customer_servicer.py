"""A vendor's buyers: what they ordered and paid, and nobody else's."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from marketmesh.commerce.v1 import customer_service_pb2 as messages
from marketmesh.commerce.v1 import customer_service_pb2_grpc, order_pb2
from meshkit.cursor import Cursor, Page
from services.commerce.orders.data import customers
from services.commerce.schema.orders import vendor_orders
from tests.commerce.market import Market
from tests.commerce.stages import refuse
from tests.support.mesh_harness import as_dict
from tests.support.statements import owner_transaction, plan_of

if TYPE_CHECKING:
    from meshkit.db.tx import Tx

NAMES = ("Green Leaf", "Leafy 100%", "Bud_Bar", "Zed")


def buyer(market: Market, name: str) -> str:
    store = str(uuid.uuid4())
    market.gate(store, type="buyer", name=name, subscription_active=False)
    return store


def bought(market: Market, store: str, *, price_cents: int = 1000) -> order_pb2.Order:
    """Return a store's new order at the market's vendor, a second after whatever was before."""
    market.mesh.clock.advance(timedelta(seconds=1))
    token = market.mesh.store_token(store, store_type="buyer")
    request = market.quote_request((market.product(price_cents=price_cents), 1), buyer=store)
    cart = market.send_quote(request, token=token)
    (order,) = market.checkout(cart.id, token=token).vendor_orders
    return order


def listed(market: Market, *, token: str = "", **fields: Any) -> messages.ListCustomersResponse:
    stub = market.mesh.stub(customer_service_pb2_grpc.CustomerServiceStub, "commerce")
    request = messages.ListCustomersRequest(**fields)
    answer: messages.ListCustomersResponse = market.mesh.read(
        stub.ListCustomers, request, token=token or market.vendor_token
    )
    return answer


def names(answer: messages.ListCustomersResponse) -> list[str]:
    return [customer.buyer_store_name for customer in answer.items]


@pytest.fixture
def stores(market: Market) -> list[str]:
    """Return four buyers with one order each, in the order of NAMES."""
    found = [buyer(market, name) for name in NAMES]
    for store in found:
        bought(market, store)
    return found


class TestListCustomers:
    def test_shows_who_bought_who_ordered_last_first(self, market: Market, stores: list[str]) -> None:
        again = bought(market, stores[1])

        answer = listed(market)

        assert names(answer) == ["Leafy 100%", "Zed", "Bud_Bar", "Green Leaf"]
        first = answer.items[0]
        assert (first.buyer_store_id, first.order_count) == (stores[1], 2)
        assert (first.last_order.order_id, first.last_order.order_number) == (again.order_id, again.order_number)
        assert first.last_order.created_at == again.created_at
        assert first.first_order_at.ToDatetime() < first.last_order.created_at.ToDatetime()
        assert as_dict(first)["last_order"]["status"] == "created_pending"

    def test_counts_what_was_paid_less_what_went_back_by_currency(self, market: Market) -> None:
        store = buyer(market, "Green Leaf")
        paid, refunded, elsewhere = (bought(market, store, price_cents=cents) for cents in (1000, 500, 700))
        bought(market, store, price_cents=9000)
        with market.mesh.transaction("commerce") as tx:
            tx.execute(
                text("UPDATE vendor_orders SET currency = 'EUR' WHERE id = CAST(:id AS uuid)"),
                {"id": elsewhere.order_id},
            )
        for order in (paid, refunded, elsewhere):
            market.finance("CashCollected", order.order_id)
        market.finance("PaymentRefunded", refunded.order_id, refunded_cents=200)

        (customer,) = listed(market).items

        assert customer.order_count == 4
        assert [(t.currency, t.paid_order_count, t.spent_cents) for t in customer.totals] == [
            ("EUR", 1, 700),
            ("USD", 2, 1300),
        ]

    def test_counts_orders_that_came_to_nothing_but_no_money(self, market: Market) -> None:
        store = buyer(market, "Green Leaf")
        market.decide(bought(market, store).order_id, "reject")

        (customer,) = listed(market).items

        assert (customer.order_count, list(customer.totals)) == (1, [])

    def test_pages_without_gap_or_repeat(self, market: Market, stores: list[str]) -> None:
        bought(market, stores[0])
        seen: list[str] = []
        cursor, pages = "", 0
        while cursor or not pages:
            page = listed(market, limit=3, cursor=cursor)
            seen += [customer.buyer_store_id for customer in page.items]
            cursor, pages = page.next_cursor, pages + 1

        assert seen == [stores[0], stores[3], stores[2], stores[1]]
        assert pages == 2

    @pytest.mark.parametrize(
        ("q", "expected"),
        [
            ("leaf", ["Leafy 100%", "Green Leaf"]),
            (" ZED ", ["Zed"]),
            ("%", ["Leafy 100%"]),
            ("_", ["Bud_Bar"]),
            ("\\", []),
            ("nobody", []),
        ],
    )
    def test_finds_by_part_of_the_name(self, market: Market, stores: list[str], q: str, expected: list[str]) -> None:
        assert stores
        assert names(listed(market, q=q)) == expected

    @pytest.mark.parametrize("q", ["CAFE\u0301 MU\u0308", "caf\u00e9\u2003M\u00fc", "café mü"])
    def test_finds_a_name_however_it_is_spelt(self, market: Market, q: str) -> None:
        # Names of before were stored as they came.
        for name in ("Cafe\u0301\u00a0Mu\u0308ller", "CAFÉ MÜNCHEN"):
            bought(market, buyer(market, name))

        assert names(listed(market, q=q)) == ["CAFÉ MÜNCHEN", "Cafe\u0301\u00a0Mu\u0308ller"]

    def test_shows_other_vendors_nothing(self, market: Market, stores: list[str]) -> None:
        other = market.new_vendor()
        token = market.mesh.store_token(other)

        assert list(listed(market, token=token).items) == []
        assert stores
        order = bought(market, stores[0])
        assert listed(market).items[0].last_order.order_id == order.order_id
        assert list(listed(market, token=token, q="leaf").items) == []

    def test_counts_only_what_was_bought_from_the_vendor(self, market: Market) -> None:
        store, other = buyer(market, "Green Leaf"), market.new_vendor()
        bought(market, store)
        market.mesh.clock.advance(timedelta(seconds=1))
        token = market.mesh.store_token(store, store_type="buyer")
        cart = market.send_quote(market.quote_request((market.product(other), 1), buyer=store), token=token)
        market.checkout(cart.id, token=token)

        mine, theirs = listed(market), listed(market, token=market.mesh.store_token(other))

        assert [customer.order_count for customer in (*mine.items, *theirs.items)] == [1, 1]
        assert mine.items[0].last_order.order_id != theirs.items[0].last_order.order_id

    def test_is_for_vendors(self, market: Market) -> None:
        assert refuse(listed, market, token=market.buyer_token).reason == "FORBIDDEN"

    @pytest.mark.parametrize(
        ("fields", "field"),
        [({"cursor": "nonsense"}, "cursor"), ({"limit": 101}, "limit"), ({"q": "\0"}, "q")],
        ids=str,
    )
    def test_names_what_it_cannot_read(self, market: Market, fields: dict[str, Any], field: str) -> None:
        refused = refuse(listed, market, **fields)

        assert refused.code == "INVALID_ARGUMENT"
        assert [violation.field for violation in refused.violations] == [field]


class TestPlans:
    """With five thousand orders and what Postgres knows of them, half of them the vendor's, of five hundred buyers."""

    @pytest.fixture
    def crowded(self, market: Market) -> Iterator[Tx]:
        order = market.order()
        url = market.mesh.stack.addresses.database_url("commerce", kind="owner")
        with owner_transaction(url, now=market.mesh.clock.now()) as tx:
            own = ("id", "order_number", "buyer_store_id", "vendor_store_id", "checkout_group_id", "created_at")
            same = ", ".join(column.name for column in vendor_orders.c if column.name not in own)
            tx.execute(
                text(
                    f"INSERT INTO vendor_orders (id, buyer_store_id, vendor_store_id, checkout_group_id, created_at, {same})"
                    " SELECT gen_random_uuid(), CAST(md5('buyer' || n / 2 % 500) AS uuid),"
                    " CASE n % 2 WHEN 0 THEN vendor_store_id ELSE CAST(md5('vendor' || n % 20) AS uuid) END,"
                    f" gen_random_uuid(), created_at - n * interval '1 minute', {same}"
                    " FROM vendor_orders, generate_series(1, 5000) AS n WHERE id = CAST(:id AS uuid)"
                ),
                {"id": order.order_id},
            )
            tx.execute(text("ANALYZE vendor_orders"))
            yield tx

    @pytest.mark.parametrize("has_cursor", [False, True])
    def test_a_page_walks_the_vendors_orders_and_asks_one_index_entry_of_each(
        self, market: Market, crowded: Tx, has_cursor: bool
    ) -> None:
        page = Page(25, Cursor(market.mesh.clock.now(), uuid.uuid4()) if has_cursor else None)

        plan = plan_of(crowded, lambda: customers.page_of(crowded, uuid.UUID(market.vendor), page, name=""))

        assert "Index Scan using vendor_orders_vendor_idx" in plan
        assert "Index Only Scan using vendor_orders_customer_idx" in plan
        # It ends where the page is full.
        assert "Sort" not in plan
        assert "Seq Scan on vendor_orders" not in plan

    def test_sums_read_only_the_orders_of_the_pages_customers(self, market: Market, crowded: Tx) -> None:
        buyers = [uuid.UUID(hashlib.md5(f"buyer{number}".encode()).hexdigest()) for number in range(25)]

        plan = plan_of(crowded, lambda: customers.totals_of(crowded, uuid.UUID(market.vendor), buyers))

        assert "vendor_orders_customer_idx" in plan
        assert "Seq Scan on vendor_orders" not in plan
