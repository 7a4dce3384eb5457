"""Events become warehouse rows: one per order, type and version."""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from tests.finance.snapshots import changed, created, later, order_snapshot
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from google.protobuf.message import Message


def rows_of(mesh: MeshHarness, order_id: str) -> list[dict[str, Any]]:
    rows = mesh.rows(
        "analytics", "SELECT row FROM warehouse_rows WHERE row ->> 'order_id' = :id ORDER BY seq", id=order_id
    )
    return [row.row for row in rows]


def collected(order: commerce.OrderSnapshot) -> finance.CashCollected:
    event = finance.CashCollected(
        order_id=order.order_id,
        buyer_store_id=order.buyer_store_id,
        vendor_store_id=order.vendor_store_id,
        amount_cents=order.total_cents,
        currency="USD",
    )
    event.cash_collected_at.FromJsonString("2026-03-03T10:00:00Z")
    return event


def paid(order: commerce.OrderSnapshot) -> finance.OrderPaid:
    event = finance.OrderPaid(
        order_id=order.order_id,
        buyer_store_id=order.buyer_store_id,
        vendor_store_id=order.vendor_store_id,
        amount_cents=order.total_cents,
        payout_cents=order.total_cents - 5,
        currency="USD",
    )
    event.vendor_paid_at.FromJsonString("2026-03-04T10:00:00Z")
    return event


class TestOrderEvents:
    def test_turns_an_order_into_its_row(self, mesh: MeshHarness) -> None:
        order = order_snapshot(
            discount_cents=55,
            tax_cents=3,
            transport_fee_cents=2,
            shipping_zip="74103-1234",
            shipping_lat=36.15412,
            shipping_lng=-95.99349,
        )
        order.lines.add(
            product_id="p", product_name="Flower", category="flower", qty=3, total_cents=900, status="pending"
        )

        mesh.deliver("analytics", created(order))

        (row,) = rows_of(mesh, order.order_id)
        assert uuid.UUID(row.pop("event_id"))
        assert row == {
            "event_type": "order_created",
            "occurred_at": mesh.clock.now().isoformat(),
            "ordered_at": "2026-03-02T15:30:00+00:00",
            "order_version": 1,
            "order_status": "created_pending",
            "checkout_group_id": order.checkout_group_id,
            "order_id": order.order_id,
            "buyer_store_id": order.buyer_store_id,
            "vendor_store_id": order.vendor_store_id,
            "currency": "USD",
            "buyer_zip": "74103",
            "buyer_lat": 36.154,
            "buyer_lng": -95.993,
            "subtotal_cents": 12_345,
            "discounts_cents": 55,
            "tax_cents": 3,
            "transport_fee_cents": 2,
            "gross_revenue_cents": 12_345,
            "items": [
                {
                    "product_id": "p",
                    "product_name": "Flower",
                    "category": "flower",
                    "classification": "",
                    "qty": 3,
                    "total_cents": 900,
                    "status": "pending",
                }
            ],
        }

    def test_turns_a_checkout_of_two_vendors_into_a_row_each(self, mesh: MeshHarness) -> None:
        group, buyer = str(uuid.uuid4()), str(uuid.uuid4())
        flower = {"product_id": "a", "product_name": "Flower", "category": "flower", "classification": "sativa"}
        edible = {"product_id": "b", "product_name": "Gummies", "category": "edible", "classification": ""}
        orders = [
            order_snapshot(checkout_group_id=group, buyer_store_id=buyer, **money)
            for money in (
                {"subtotal_cents": 1_000, "discount_cents": 100, "total_cents": 900},
                {"subtotal_cents": 500, "tax_cents": 40, "transport_fee_cents": 60, "total_cents": 600},
            )
        ]
        orders[0].lines.add(**flower, qty=3, total_cents=900, status="pending")
        orders[1].lines.add(**edible, qty=2, total_cents=500, status="pending")
        orders[1].lines.add(**flower, qty=9, total_cents=0, status="rejected")

        for order in orders:
            mesh.deliver("analytics", created(order))

        rows = [row for order in orders for row in rows_of(mesh, order.order_id)]
        shared = {"checkout_group_id": group, "buyer_store_id": buyer, "currency": "USD"}
        place = {"buyer_zip": "74103", "buyer_lat": 36.154, "buyer_lng": -95.993}
        assert [row for row in rows if {**row, **shared, **place} != row] == []
        assert [(row["order_id"], row["vendor_store_id"]) for row in rows] == [
            (order.order_id, order.vendor_store_id) for order in orders
        ]
        columns = (
            "subtotal_cents", "discounts_cents", "tax_cents", "transport_fee_cents", "gross_revenue_cents",
        )  # fmt: skip
        assert [tuple(row[name] for name in columns) for row in rows] == [
            (1_000, 100, 0, 0, 900),
            (500, 0, 40, 60, 600),
        ]
        assert [row["items"] for row in rows] == [
            [{**flower, "qty": 3, "total_cents": 900, "status": "pending"}],
            [
                {**edible, "qty": 2, "total_cents": 500, "status": "pending"},
                {**flower, "qty": 9, "total_cents": 0, "status": "rejected"},
            ],
        ]
        assert len({row["event_id"] for row in rows}) == 2

    def test_leaves_out_what_no_row_is_made_of(self, mesh: MeshHarness) -> None:
        order = order_snapshot()

        mesh.deliver("analytics", changed(order))

        assert rows_of(mesh, order.order_id) == []
        dead = mesh.rows("analytics", "SELECT 1 FROM inbox_dlq WHERE ordering_key = :id", id=order.order_id)
        assert dead == []

    @pytest.mark.parametrize("order_of_arrival", list(itertools.permutations(range(3)))[1::2])
    def test_queues_each_once_when_delivered_three_times_and_out_of_order(
        self, mesh: MeshHarness, order_of_arrival: tuple[int, ...]
    ) -> None:
        order = order_snapshot()
        decided, canceled = later(order, status="accepted"), later(order, status="canceled", version=3)
        events: list[Message] = [
            created(order),
            commerce.OrderDecided(order_id=order.order_id, order=decided),
            commerce.OrderCanceled(order_id=order.order_id, order=canceled),
        ]

        for index in order_of_arrival * 3:
            mesh.deliver("analytics", events[index])

        rows = rows_of(mesh, order.order_id)
        assert sorted((row["event_type"], row["order_version"], row["order_status"]) for row in rows) == [
            ("order_canceled", 3, "canceled"),
            ("order_created", 1, "created_pending"),
            ("order_decided", 2, "accepted"),
        ]
        assert len({row["event_id"] for row in rows}) == 3

    def test_queues_an_expired_order_once(self, mesh: MeshHarness) -> None:
        expired = later(order_snapshot(), status="expired")

        for _ in range(2):
            mesh.deliver("analytics", commerce.OrderExpired(order_id=expired.order_id, ttl_days=10, order=expired))

        assert [
            (row["event_type"], row["order_version"], row["order_status"]) for row in rows_of(mesh, expired.order_id)
        ] == [("order_expired", 2, "expired")]

    def test_queues_every_decision_of_an_order(self, mesh: MeshHarness) -> None:
        order = order_snapshot()

        for version in (2, 3):
            decided = later(order, version=version)
            mesh.deliver("analytics", commerce.OrderDecided(order_id=order.order_id, order=decided))

        assert [row["order_version"] for row in rows_of(mesh, order.order_id)] == [2, 3]


class TestPaymentEvents:
    def test_records_collected_and_paid_out_money_once_each(self, mesh: MeshHarness) -> None:
        order = order_snapshot()

        for event in [paid(order), collected(order)] * 3:
            mesh.deliver("analytics", event)

        rows = {row["event_type"]: row for row in rows_of(mesh, order.order_id)}
        assert {name: (row["occurred_at"], row["gross_revenue_cents"]) for name, row in rows.items()} == {
            "order_paid": ("2026-03-04T10:00:00+00:00", 12_345),
            "cash_collected": ("2026-03-03T10:00:00+00:00", 12_345),
        }
        assert len(rows_of(mesh, order.order_id)) == 2


class TestCheckoutConverted:
    def test_records_every_order_of_it_once(self, mesh: MeshHarness) -> None:
        orders = [
            commerce.ConvertedOrder(
                order_id=str(uuid.uuid4()),
                vendor_store_id=str(uuid.uuid4()),
                status="created_pending",
                subtotal_cents=1000 * number,
                discounts_cents=10,
                tax_cents=3,
                transport_fee_cents=7,
                total_cents=1000 * number,
            )
            for number in (1, 2)
        ]
        event = commerce.CheckoutConverted(
            checkout_group_id=str(uuid.uuid4()),
            buyer_store_id=str(uuid.uuid4()),
            currency="USD",
            shipping_zip="74103",
            shipping_lat=36.154,
            shipping_lng=-95.993,
            orders=orders,
            items=[commerce.ConvertedItem(order_id=orders[1].order_id, product_id="p", qty=2, total_cents=2000)],
        )
        event.converted_at.FromJsonString("2026-03-02T10:00:00Z")

        for _ in range(2):
            mesh.deliver("analytics", event)

        for order in orders:
            (row,) = rows_of(mesh, order.order_id)
            assert (row["event_type"], row["occurred_at"]) == ("checkout_converted", "2026-03-02T10:00:00+00:00")
            assert (row["checkout_group_id"], row["buyer_store_id"], row["vendor_store_id"]) == (
                event.checkout_group_id, event.buyer_store_id, order.vendor_store_id,
            )  # fmt: skip
            assert (row["buyer_zip"], row["buyer_lat"], row["buyer_lng"]) == ("74103", 36.154, -95.993)
            assert row["gross_revenue_cents"] == order.total_cents
        assert rows_of(mesh, orders[1].order_id)[0]["items"] == [{"product_id": "p", "qty": 2, "total_cents": 2000}]


class TestStoreGateChanged:
    def test_keeps_the_highest_version(self, mesh: MeshHarness) -> None:
        store_id = str(uuid.uuid4())

        for version, active in ((2, True), (1, False), (2, False)):
            mesh.deliver(
                "analytics",
                identity.StoreGateChanged(store_id=store_id, subscription_active=active, version=version),
            )

        rows = mesh.rows("analytics", "SELECT * FROM store_gates WHERE store_id = CAST(:id AS uuid)", id=store_id)
        assert [(row.version, row.subscription_active) for row in rows] == [(2, True)]
