"""AssignAgent through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.fulfillment.events.v1.fulfillment_events_pb2 import AgentAssigned
from marketmesh.fulfillment.v1 import admin_service_pb2
from tests.finance.snapshots import later
from tests.fulfillment.deliveries import Deliveries
from tests.support.mesh_harness import MeshHarness, Refused


class TestAssignAgent:
    def test_takes_it_from_whoever_has_it(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        first = deliveries.agent()
        order = deliveries.ready()
        second = deliveries.agent()
        mesh.clock.advance(timedelta(seconds=1))

        answer = deliveries.assign(order.order_id, second)

        assert (answer.agent_user_id, answer.assignment_reason) == (str(second), "admin_override")
        old, new = deliveries.assignments(order.order_id)
        assert (old.agent_user_id, old.active, old.unassigned_at) == (first, False, mesh.clock.now())
        assert (answer.assignment_note, answer.assigned_by_user_id) == ("knows the way", str(deliveries.admin_id))
        assert (new.agent_user_id, new.active, new.assigned_by_user_id) == (second, True, deliveries.admin_id)
        assert deliveries.events(order.order_id) == ["agent_assigned", "agent_assigned"]
        told = [event for event in mesh.events("fulfillment", AgentAssigned) if event.order_id == order.order_id]
        assert [(event.agent_user_id, event.version) for event in told] == [(str(first), 1), (str(second), 2)]
        assert (deliveries.pages("ListMyDeliveries", first), deliveries.pages("ListMyDeliveries", second)) == (
            [[]],
            [[order.order_id]],
        )
        drawn, given = mesh.rows(
            "fulfillment",
            "SELECT actor, before, after FROM audit_log WHERE target = :id AND action = 'delivery.assign' ORDER BY seq",
            id=order.order_id,
        )
        assert (drawn.actor, drawn.after) == (
            "service:fulfillment",
            {
                "agent_user_id": str(first),
                "assignment": "auto_random",
                "reason": "drawn at random from 1 active agent",
            },
        )
        assert (given.before, given.after) == (
            {"agent_user_id": str(first)},
            {"agent_user_id": str(second), "reason": "knows the way"},
        )

    def test_hands_out_what_waits_in_the_queue(self, deliveries: Deliveries) -> None:
        order = deliveries.ready()
        agent = deliveries.agent()

        answer = deliveries.assign(order.order_id, agent)

        assert answer.agent_user_id == str(agent)
        assert deliveries.pages("ListQueue", agent) == [[]]

    def test_changes_nothing_for_the_same_agent(self, deliveries: Deliveries) -> None:
        agent = deliveries.agent()
        order = deliveries.ready()
        before = deliveries.assignments(order.order_id)

        answer = deliveries.assign(order.order_id, agent)

        assert answer.assignment_reason == "auto_random"
        assert deliveries.assignments(order.order_id) == before
        assert deliveries.events(order.order_id) == ["agent_assigned"]

    def test_leaves_one_active_assignment_under_calls_at_once(self, deliveries: Deliveries) -> None:
        order = deliveries.ready()
        agents, start = [deliveries.agent() for _ in range(6)], threading.Barrier(6)

        def assign(agent: uuid.UUID) -> str:
            start.wait(10)
            return deliveries.assign(order.order_id, agent).agent_user_id

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(assign, agents))

        rows = deliveries.assignments(order.order_id)
        assert answers == [str(agent) for agent in agents]
        assert [row.active for row in rows].count(True) == 1
        assert len(rows) == 6

    @pytest.mark.parametrize("status", ["in_transit", "delivered", "closed", "canceled"])
    def test_is_too_late_once_the_order_is_on_its_way(
        self, mesh: MeshHarness, deliveries: Deliveries, status: str
    ) -> None:
        first = deliveries.agent()
        order = deliveries.ready()
        mesh.deliver(
            "fulfillment", commerce.OrderStateChanged(order_id=order.order_id, order=later(order, status=status))
        )

        with pytest.raises(Refused) as refused:
            deliveries.assign(order.order_id, deliveries.agent())

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "DELIVERY_STATE_INVALID")
        assert refused.value.metadata["state"] == status
        assert refused.value.metadata["allowed"] == "hold, ready_for_dispatch, hold_for_pickup"
        assert [row.agent_user_id for row in deliveries.assignments(order.order_id)] == [first]

    def test_knows_its_agents(self, deliveries: Deliveries) -> None:
        order = deliveries.ready()

        with pytest.raises(Refused) as refused:
            deliveries.assign(order.order_id, uuid.uuid4())

        assert [item.field for item in refused.value.violations] == ["agent_user_id"]
        assert deliveries.assignments(order.order_id) == []

    def test_knows_no_unknown_order(self, deliveries: Deliveries) -> None:
        with pytest.raises(Refused) as refused:
            deliveries.assign(str(uuid.uuid4()), deliveries.agent())

        assert refused.value.code == "NOT_FOUND"

    @pytest.mark.parametrize("who", ["nobody", "store", "agent", "service"])
    def test_serves_administrators_only(self, mesh: MeshHarness, deliveries: Deliveries, who: str) -> None:
        agent = deliveries.agent()
        order = deliveries.ready()
        token = {
            "nobody": "",
            "store": mesh.store_token(uuid.uuid4()),
            "agent": mesh.agent_token(agent),
            "service": mesh.service_token(),
        }[who]
        request = admin_service_pb2.AssignAgentRequest(
            order_id=order.order_id, agent_user_id=str(deliveries.agent()), reason="test"
        )

        with pytest.raises(Refused) as refused:
            mesh.call(deliveries.admin.AssignAgent, request, token=token, key=uuid.uuid4().hex)

        assert refused.value.code == "UNAUTHENTICATED"
        assert [row.agent_user_id for row in deliveries.assignments(order.order_id)] == [agent]
