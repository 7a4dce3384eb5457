"""AssignAgent and CorrectDelivery through the whole chain."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.fulfillment.events.v1.fulfillment_events_pb2 import AgentAssigned
from marketmesh.fulfillment.v1 import admin_service_pb2
from tests.finance.snapshots import later
from tests.fulfillment.deliveries import Deliveries
from tests.fulfillment.neighbours import Neighbours
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


class TestAssignAgentDuringAPickup:
    def test_lets_the_agent_win_who_is_picking_it_up(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.taken(around)
        other, refusals = deliveries.agent(), []
        # While commerce answers the agent, an administrator gives the order away.
        around.commerce.servicer.answering = lambda _: refusals.append(
            refusal(lambda: deliveries.assign(order.order_id, other))
        )
        try:
            delivery = deliveries.act("PickUp", agent, order.order_id)
        finally:
            around.commerce.servicer.answering = lambda _: None

        assert (delivery.order_status, delivery.HasField("pickup_time")) == ("in_transit", True)
        assert [(told.code, told.reason) for told in refusals] == [("ABORTED", "PICKUP_RUNNING")]
        assert [row.agent_user_id for row in deliveries.assignments(order.order_id)] == [agent]

    def test_is_possible_again_after_a_pickup_was_refused(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)
        deliveries.known(around, later(order, status="created_pending"))
        assert refusal(lambda: deliveries.act("PickUp", agent, order.order_id)).reason == "DELIVERY_STATE_INVALID"

        other = deliveries.agent()

        assert deliveries.assign(order.order_id, other).agent_user_id == str(other)

    def test_waits_for_a_pickup_without_an_answer_a_minute(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.taken(around)
        other = deliveries.agent()
        around.commerce.stop()
        try:
            assert refusal(lambda: deliveries.act("PickUp", agent, order.order_id)).code == "UNAVAILABLE"
        finally:
            around.commerce.start()

        early = refusal(lambda: deliveries.assign(order.order_id, other))
        mesh.clock.advance(timedelta(minutes=1))
        given = deliveries.assign(order.order_id, other)

        assert early.reason == "PICKUP_RUNNING"
        assert given.agent_user_id == str(other)

    def test_gives_the_order_back_to_whoever_had_picked_it_up(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.taken(around)
        # The pickup hangs for longer than it is waited for, after commerce has moved the order.
        around.commerce.servicer.answering = lambda context: context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        key = uuid.uuid4().hex
        assert refusal(lambda: deliveries.act("PickUp", agent, order.order_id, key=key)).code == "UNAVAILABLE"
        around.commerce.servicer.answering = lambda _: None
        at, other = mesh.clock.now(), deliveries.agent()
        mesh.clock.advance(timedelta(minutes=2))
        deliveries.assign(order.order_id, other)

        delivery = deliveries.act("PickUp", agent, order.order_id, key=key)

        assert (delivery.agent_user_id, delivery.assignment_reason) == (str(agent), "step_taken")
        assert delivery.pickup_time.ToDatetime(tzinfo=UTC) == at
        told = [event for event in mesh.events("fulfillment", AgentAssigned) if event.order_id == order.order_id]
        assert [event.agent_user_id for event in told] == [str(agent), str(other), str(agent)]
        lost = refusal(lambda: deliveries.act("PickUp", other, order.order_id))
        assert lost.reason == "DELIVERY_REASSIGNED"


class TestAssignAgentOnHold:
    @pytest.mark.parametrize("interrupted", ["in_transit", "delivered"])
    def test_counts_what_the_hold_interrupted(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours, interrupted: str
    ) -> None:
        agent, order = deliveries.picked_up(around)
        held = later(
            order, status="hold", hold_reason="payment_mismatch", shipping_status=interrupted, version=order.version + 5
        )
        mesh.deliver("fulfillment", commerce.OrderStateChanged(order_id=order.order_id, order=held))

        refused = refusal(lambda: deliveries.assign(order.order_id, deliveries.agent()))

        assert (refused.reason, refused.metadata["state"]) == ("DELIVERY_STATE_INVALID", f"hold ({interrupted})")
        assert deliveries.get(agent, order.order_id).agent_user_id == str(agent)

    def test_leaves_no_code_to_a_delivered_order(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours
    ) -> None:
        _, order = deliveries.picked_up(around)
        held = later(order, status="hold", hold_reason="payment_mismatch", shipping_status="delivered", version=9)
        mesh.deliver("fulfillment", commerce.OrderStateChanged(order_id=order.order_id, order=held))

        refused = refusal(lambda: deliveries.code(order))
        kept = refusal(lambda: deliveries.administer("ResetDeliveryCode", order_id=order.order_id, reason="asked for"))

        assert {told.metadata["state"] for told in (refused, kept)} == {"hold (delivered)"}


class TestCorrectDelivery:
    def correct(self, deliveries: Deliveries, order_id: str, agent: uuid.UUID) -> admin_service_pb2.OrderDelivery:
        answer: admin_service_pb2.OrderDelivery = deliveries.administer(
            "CorrectDelivery", order_id=order_id, agent_user_id=str(agent), reason="seen with the goods"
        )
        return answer

    @pytest.mark.parametrize("status", ["in_transit", "hold", "delivered", "closed"])
    def test_gives_the_order_with_its_steps_to_whoever_has_the_goods(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours, status: str
    ) -> None:
        agent, order = deliveries.picked_up(around)
        picked = deliveries.get(agent, order.order_id).pickup_time
        other = deliveries.agent()
        shipping = "delivered" if status in {"delivered", "closed"} else "in_transit"
        moved = later(order, status=status, shipping_status=shipping, version=order.version + 5)
        mesh.deliver("fulfillment", commerce.OrderStateChanged(order_id=order.order_id, order=moved))
        mesh.clock.advance(timedelta(minutes=1))

        corrected = self.correct(deliveries, order.order_id, other)

        assert (corrected.delivery.agent_user_id, corrected.delivery.pickup_time) == (str(other), picked)
        assert corrected.delivery.HasField("delivery_time") == (shipping == "delivered")
        assert [item.agent_user_id for item in corrected.assignments] == [str(agent), str(other)]
        (row,) = mesh.rows(
            "fulfillment",
            "SELECT before, after FROM audit_log WHERE target = :id AND action = 'delivery.correct'",
            id=order.order_id,
        )
        assert (row.before["agent_user_id"], row.after["agent_user_id"]) == (str(agent), str(other))
        assert row.after["reason"] == "seen with the goods"
        assert deliveries.pages("ListMyDeliveries", other) == [[] if status == "closed" else [order.order_id]]

    def test_puts_a_lost_pickup_on_record(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        order = deliveries.ready()
        agent = deliveries.agent()
        moved = later(order, status="in_transit", shipping_status="in_transit")
        mesh.deliver("fulfillment", commerce.OrderStateChanged(order_id=order.order_id, order=moved))

        corrected = self.correct(deliveries, order.order_id, agent)

        assert corrected.delivery.pickup_time.ToDatetime(tzinfo=UTC) == mesh.clock.now()
        assert deliveries.get(agent, order.order_id).order_status == "in_transit"

    def test_is_not_undone_by_old_news(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        other = deliveries.agent()
        self.correct(deliveries, order.order_id, other)
        news = later(order, status="in_transit", shipping_status="in_transit", version=order.version + 5)
        news.picked_up_by_user_id = str(agent)
        news.picked_up_at.FromDatetime(mesh.clock.now())

        mesh.deliver("fulfillment", commerce.OrderStateChanged(order_id=order.order_id, order=news))

        assert deliveries.get(other, order.order_id).agent_user_id == str(other)

    def test_knows_orders_and_agents(self, deliveries: Deliveries) -> None:
        order = deliveries.ready()

        missing = refusal(lambda: self.correct(deliveries, str(uuid.uuid4()), deliveries.agent()))
        nobody = refusal(lambda: self.correct(deliveries, order.order_id, uuid.uuid4()))

        assert missing.code == "NOT_FOUND"
        assert [item.field for item in nobody.violations] == ["agent_user_id"]
        assert deliveries.assignments(order.order_id) == []


def refusal(call: Callable[[], Any]) -> Refused:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value
