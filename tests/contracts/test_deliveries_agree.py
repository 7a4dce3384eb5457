"""Orders, money and agents' records agree over commerce, finance and fulfillment, and `marketmesh prove` sees when not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from deploy.dev.stack import Embedded
from deploy.tools.prove_deliveries import prove_deliveries
from marketmesh.finance.v1 import cash_agent_service_pb2
from marketmesh.finance.v1 import payout_batch_service_pb2 as payouts
from marketmesh.finance.v1 import payout_service_pb2 as finance
from marketmesh.fulfillment.v1 import delivery_service_pb2
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


_ASSIGNED = "WHERE order_id = CAST(:id AS uuid) AND unassigned_at IS NULL"
# What is broken -> (service, statement, what prove says of it).
FAULTS = {
    "pickup": (
        "fulfillment",
        f"UPDATE order_assignments SET pickup_time = NULL {_ASSIGNED}",
        "order {} was picked up, its agent's record does not say so",
    ),
    "delivery": (
        "fulfillment",
        f"UPDATE order_assignments SET delivery_time = NULL {_ASSIGNED}",
        "order {} was delivered, its agent's record does not say so",
    ),
    "cash": (
        "fulfillment",
        f"UPDATE order_assignments SET cash_pickup_time = NULL {_ASSIGNED}",
        "cash of order {} is booked, its agent's record does not say so",
    ),
    "nobody": (
        "fulfillment",
        f"UPDATE order_assignments SET unassigned_at = assigned_at, active = false {_ASSIGNED}",
        "order {} is delivered, no agent has it",
    ),
    "payment": (
        "fulfillment",
        "UPDATE deliveries SET payment_status = 'unpaid' WHERE order_id = CAST(:id AS uuid)",
        "order {} is settled in finance, its delivery says unpaid",
    ),
}


def problems_of(world: World, order_id: str) -> list[str]:
    world.mesh.pump()
    databases = {name: world.mesh.process(name).transactions for name in ("commerce", "finance", "fulfillment")}
    return [problem for problem in prove_deliveries(databases) if order_id in problem]


class TestProve:
    def test_has_nothing_to_say_of_a_delivery_that_agrees(self, world: World) -> None:
        order = world.new_delivery(upto="settled")

        assert problems_of(world, order.order_id) == []

    @pytest.mark.parametrize("fault", FAULTS)
    def test_sees_each_fault(self, world: World, fault: str) -> None:
        order = world.new_delivery(upto="settled")
        assert problems_of(world, order.order_id) == []
        service, statement, sentence = FAULTS[fault]
        with world.mesh.transaction(service) as tx:
            tx.execute(text(statement), {"id": order.order_id})

        assert sentence.format(order.order_id) in problems_of(world, order.order_id)


class TestAnOrderThatCostsNothing:
    def test_is_closed_by_its_delivery_and_in_no_queue(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        free = world.product_request()
        free.price_cents = 0
        monkeypatch.setattr(world, "product_request", lambda: free_product(free))

        order = world.new_delivery(upto="delivered")
        world.mesh.pump()

        row = _row(world, "commerce", "SELECT * FROM vendor_orders WHERE id = CAST(:id AS uuid)", order.order_id)
        assert (order.total_cents, row.status, row.payment_status) == (0, "closed", "paid")
        delivery = _row(
            world, "fulfillment", "SELECT * FROM deliveries WHERE order_id = CAST(:id AS uuid)", order.order_id
        )
        assert (delivery.payment_status, delivery.order_status) == ("paid", "closed")
        mine = world.do(
            "/marketmesh.fulfillment.v1.AgentService/ListMyDeliveries",
            delivery_service_pb2.ListMyDeliveriesRequest(limit=100),
            world.agent,
        )
        held = world.do(
            "/marketmesh.finance.v1.CashAgentService/ListHeldCash",
            cash_agent_service_pb2.ListHeldCashRequest(limit=100),
            world.agent,
        )
        due = world.do(
            "/marketmesh.finance.v1.FinanceAdminService/ListPayouts", finance.ListPayoutsRequest(limit=100), world.admin
        )
        for queue in (mine, held, due):
            assert order.order_id not in [item.order_id for item in queue.items]
        assert problems_of(world, order.order_id) == []


def free_product(template: Any) -> Any:
    product = type(template)()
    product.CopyFrom(template)
    product.sku = f"FREE-{uuid.uuid4().hex[:10]}"
    return product


class TestAFullCredit:
    def test_closes_a_delivered_order_on_hold(self, world: World) -> None:
        order = world.new_failed_payment()
        credit = payouts.CreditOrderRequest(
            order_id=order.order_id, amount_cents=order.total_cents, currency="USD", reason="all came back"
        )

        world.do("/marketmesh.finance.v1.PayoutAdminService/CreditOrder", credit, world.admin)
        world.mesh.pump()

        sql = "SELECT * FROM vendor_orders JOIN order_settlements ON order_id = id WHERE id = CAST(:id AS uuid)"
        row = _row(world, "commerce", sql, order.order_id)
        assert (row.status, row.payment_status, row.balance_due_cents) == ("closed", "paid", 0)
        assert (row.credited_cents, row.refunded_cents) == (order.total_cents, order.total_cents)
        assert problems_of(world, order.order_id) == []

    def test_of_a_part_of_what_is_not_on_hold_leaves_the_rest_to_collect(self, world: World) -> None:
        order = world.new_delivery(upto="delivered")
        credit = payouts.CreditOrderRequest(
            order_id=order.order_id, amount_cents=1, currency="USD", reason="one cent less"
        )
        world.do("/marketmesh.finance.v1.PayoutAdminService/CreditOrder", credit, world.admin)
        world.mesh.pump()

        collect = "/marketmesh.fulfillment.v1.AgentService/CollectCash"
        world.do(collect, world.cash_request(order, missing_cents=1), world.agent)
        world.mesh.pump()

        row = _row(world, "commerce", "SELECT * FROM vendor_orders WHERE id = CAST(:id AS uuid)", order.order_id)
        assert (row.payment_status, row.balance_due_cents) == ("settled", 0)
        assert problems_of(world, order.order_id) == []

    def test_of_a_part_leaves_the_rest_to_collect(self, world: World) -> None:
        order = world.new_failed_payment()
        credit = payouts.CreditOrderRequest(
            order_id=order.order_id, amount_cents=1, currency="USD", reason="one cent less"
        )
        reopen = finance.ReopenPaymentRequest(order_id=order.order_id, reason="credited")

        world.do("/marketmesh.finance.v1.PayoutAdminService/CreditOrder", credit, world.admin)
        world.do("/marketmesh.finance.v1.FinanceAdminService/ReopenPayment", reopen, world.admin)
        world.mesh.pump()
        due = _row(world, "commerce", "SELECT * FROM vendor_orders WHERE id = CAST(:id AS uuid)", order.order_id)
        world.do(
            "/marketmesh.fulfillment.v1.AgentService/CollectCash",
            world.cash_request(order, missing_cents=1),
            world.agent,
        )
        world.mesh.pump()

        assert (due.status, due.balance_due_cents) == ("delivered", order.total_cents - 1)
        after = _row(world, "commerce", "SELECT * FROM vendor_orders WHERE id = CAST(:id AS uuid)", order.order_id)
        assert (after.payment_status, after.balance_due_cents) == ("settled", 0)
        assert problems_of(world, order.order_id) == []


def _row(world: World, service: str, statement: str, order_id: str) -> Any:
    return world.mesh.rows(service, statement, id=order_id)[0]
