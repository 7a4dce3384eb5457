"""Agents, deliveries and assignments as events bring them."""

from __future__ import annotations

import uuid

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from marketmesh.fulfillment.events.v1 import fulfillment_events_pb2 as events
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from services.fulfillment.delivery.domain.assignment import choose_agent
from tests.finance.snapshots import later
from tests.fulfillment.deliveries import Deliveries
from tests.support.mesh_harness import MeshHarness


def changed(order: commerce.OrderSnapshot) -> commerce.OrderStateChanged:
    return commerce.OrderStateChanged(order_id=order.order_id, order=order)


class TestAgentCreated:
    def test_takes_an_agent_in_once(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        agent = deliveries.agent()

        mesh.deliver("fulfillment", identity.AgentCreated(user_id=str(agent)))

        rows = mesh.rows("fulfillment", "SELECT user_id, is_active FROM agents")
        assert [(row.user_id, row.is_active) for row in rows] == [(agent, True)]


class TestOrderReadyForDispatch:
    def test_gives_the_order_to_the_drawn_agent(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        agents = [deliveries.agent() for _ in range(5)]

        orders = [deliveries.ready() for _ in range(4)]

        for order in orders:
            (assignment,) = deliveries.assignments(order.order_id)
            assert assignment.agent_user_id == choose_agent(agents, order_id=uuid.UUID(order.order_id))
            assert (assignment.active, assignment.reason, assignment.assigned_by_user_id) == (True, "auto_random", None)
            assert deliveries.events(order.order_id) == ["agent_assigned"]
        announced = next(
            event for event in mesh.events("fulfillment", events.AgentAssigned) if event.order_id == orders[0].order_id
        )
        assert announced.agent_user_id == str(deliveries.assignments(orders[0].order_id)[0].agent_user_id)

    def test_changes_nothing_when_it_is_told_again(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        deliveries.agent()
        order = deliveries.ready()
        before = deliveries.assignments(order.order_id)
        for _ in range(3):
            deliveries.agent()

        mesh.deliver("fulfillment", commerce.OrderReadyForDispatch(order_id=order.order_id, order=order))

        assert deliveries.assignments(order.order_id) == before
        assert deliveries.events(order.order_id) == ["agent_assigned"]

    def test_leaves_it_in_the_queue_without_an_agent(self, deliveries: Deliveries) -> None:
        order = deliveries.ready()

        assert deliveries.assignments(order.order_id) == []
        assert deliveries.events(order.order_id) == []
        assert deliveries.pages("ListQueue", uuid.uuid4()) == [[order.order_id]]

    def test_counts_only_lines_that_are_delivered(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        lines = [
            commerce.OrderLineSnapshot(qty=2, status="fulfilled"),
            commerce.OrderLineSnapshot(qty=4, status="rejected"),
            commerce.OrderLineSnapshot(qty=1, status="fulfilled"),
        ]
        order = deliveries.ready(lines=lines, payment_method="ach")

        row = deliveries.row(order.order_id)
        assert (row.total_items, row.payment_status, row.payment_method) == (3, "pending", "ach")


class TestOrderChanged:
    def test_follows_newer_versions_only(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        order = deliveries.ready()
        newest = later(order, status="delivered", version=6, total_cents=7)
        mesh.deliver("fulfillment", changed(newest))

        mesh.deliver("fulfillment", changed(later(order, status="in_transit", version=5, total_cents=8)))

        row = deliveries.row(order.order_id)
        assert (row.order_status, row.order_version, row.total_cents) == ("delivered", 6, 7)

    @pytest.mark.parametrize("status", ["closed", "canceled", "rejected", "expired"])
    def test_takes_an_order_that_is_over_off_the_list(
        self, mesh: MeshHarness, deliveries: Deliveries, status: str
    ) -> None:
        agent = deliveries.agent()
        order = deliveries.ready()

        mesh.deliver("fulfillment", changed(later(order, status=status)))

        assert deliveries.pages("ListMyDeliveries", agent) == [[]]
        assert deliveries.pages("ListQueue", agent) == [[]]
        assert deliveries.get(agent, order.order_id).order_status == status

    def test_ignores_orders_it_does_not_deliver(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        order_id = str(uuid.uuid4())

        mesh.deliver(
            "fulfillment",
            commerce.OrderCanceled(
                order_id=order_id, order=commerce.OrderSnapshot(order_id=order_id, status="canceled")
            ),
        )

        assert mesh.rows("fulfillment", "SELECT 1 FROM deliveries") == []


class TestCalledOffOrder:
    @pytest.mark.parametrize("status", ["canceled", "rejected", "expired"])
    @pytest.mark.parametrize(
        ("event_class", "after"), [(None, "rejected"), (finance.PaymentFailed, "rejected"), (finance.OrderPaid, "paid")]
    )
    def test_is_not_waited_for_to_be_paid(
        self,
        mesh: MeshHarness,
        deliveries: Deliveries,
        status: str,
        event_class: type[finance.OrderPaid] | None,
        after: str,
    ) -> None:
        order = deliveries.ready()
        if event_class is not None:
            mesh.deliver("fulfillment", event_class(order_id=order.order_id))

        mesh.deliver("fulfillment", changed(later(order, status=status)))

        assert deliveries.row(order.order_id).payment_status == after

    def test_stays_so_when_older_news_come_late(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        order = deliveries.ready()
        mesh.deliver("fulfillment", changed(later(order, status="canceled")))

        for event_class in (finance.PaymentFailed, finance.PaymentReopened):
            mesh.deliver("fulfillment", event_class(order_id=order.order_id))

        assert deliveries.row(order.order_id).payment_status == "rejected"


class TestPaymentChanged:
    @pytest.mark.parametrize(
        ("event_class", "status"),
        [
            (finance.CashCollected, "settled"),
            (finance.PaymentFailed, "failed"),
            (finance.PaymentReopened, "unpaid"),
            (finance.OrderPaid, "paid"),
        ],
    )
    def test_follows_the_money(
        self, mesh: MeshHarness, deliveries: Deliveries, event_class: type[finance.OrderPaid], status: str
    ) -> None:
        order, other = deliveries.ready(), deliveries.ready()

        mesh.deliver("fulfillment", event_class(order_id=order.order_id))

        assert deliveries.row(order.order_id).payment_status == status
        assert deliveries.row(other.order_id).payment_status == "unpaid"
