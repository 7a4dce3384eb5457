"""Steps whose effect stands and whose answer got lost, while others went on: flow, place, and what happened meanwhile.

The process dies, or is told to come back, after commerce or finance has done its part. Whoever comes next (the same key, a new
one, the event) finds the step done at the time and by the agent that the other service recorded.
"""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from sqlalchemy import create_engine, text

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.commerce.v1 import order_pb2
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from tests.fulfillment.delivery.api.test_agent_servicer import fields_of, when_back
from tests.support.mesh_harness import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fulfillment.deliveries import Deliveries
    from tests.fulfillment.neighbours import Neighbours
    from tests.support.mesh_harness import MeshHarness

Status = order_pb2.OrderStatus.Value
_COLUMN = {"PickUp": "pickup_time", "Deliver": "delivery_time", "CollectCash": "cash_pickup_time"}
# What the state of the order may be by the time somebody asks again.
_MEANWHILE = {
    "PickUp": ("in_transit", "hold", "delivered", "closed"),
    "Deliver": ("delivered", "hold", "closed"),
    "CollectCash": ("in_transit", "hold", "delivered", "closed", "canceled"),
}
CASES = [(step, state) for step, states in _MEANWHILE.items() for state in states]


def lose_answers(neighbour: Any) -> Callable[[], None]:
    """Let a neighbour's answers get lost, its effects stand; returns how to end that."""

    def lost(context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.UNAVAILABLE, "the answer got lost")

    neighbour.servicer.answering = lost
    return lambda: setattr(neighbour.servicer, "answering", lambda _: None)


@pytest.fixture
def half_way(mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> Any:
    """Return what brings an order to a step whose answer is lost: agent, order, key, time of the effect."""

    def bring(step: str) -> tuple[uuid.UUID, Any, str, Any]:
        agent, order = deliveries.taken(around)
        if step != "PickUp":
            deliveries.act("PickUp", agent, order.order_id)
            mesh.clock.advance(timedelta(minutes=1))
        at, key = mesh.clock.now(), uuid.uuid4().hex
        found = lose_answers(around.finance if step == "CollectCash" else around.commerce)
        try:
            with pytest.raises(Refused) as refused:
                deliveries.act(step, agent, order.order_id, key=key, **fields_of(step))
        finally:
            found()
        assert refused.value.code == "UNAVAILABLE"
        assert getattr(deliveries.assignments(order.order_id)[0], _COLUMN[step]) is None
        mesh.clock.advance(timedelta(minutes=5))
        return agent, order, key, at

    return bring


def move_on(around: Neighbours, order_id: str, state: str) -> None:
    """Let the others bring the order further."""
    order = around.commerce.servicer.orders[order_id]
    order.status = Status.Value(state)
    if state == "hold":
        order.hold_reason = order_pb2.HoldReason.payment_mismatch
    order.version += 3


class TestTheSameStepAgain:
    @pytest.mark.parametrize("same_key", [True, False], ids=["same key", "new key"])
    @pytest.mark.parametrize(("step", "state"), CASES)
    def test_is_completed_from_what_was_recorded(
        self,
        deliveries: Deliveries,
        around: Neighbours,
        half_way: Any,
        *,
        step: str,
        state: str,
        same_key: bool,
    ) -> None:
        agent, order, key, at = half_way(step)
        move_on(around, order.order_id, state)

        done = deliveries.act(step, agent, order.order_id, key=key if same_key else uuid.uuid4().hex, **fields_of(step))

        assert getattr(done, _COLUMN[step]).ToDatetime(tzinfo=UTC) == at
        assert done.order_status == state
        assert getattr(deliveries.assignments(order.order_id)[0], _COLUMN[step]) == at

    def test_keeps_the_photo_of_a_delivery(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        photo, key = deliveries.upload(around, agent, order.order_id), uuid.uuid4().hex
        found = lose_answers(around.commerce)
        with pytest.raises(Refused):
            deliveries.deliver(agent, order.order_id, key=key, kind="photo", media_id=photo)
        found()
        move_on(around, order.order_id, "closed")

        done = deliveries.deliver(agent, order.order_id, key=key, kind="photo", media_id=photo)

        assert (done.proof_media_id, around.media.servicer.attached[order.order_id]) == (photo, [photo])

    def test_takes_a_code_that_was_right_then(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        code, key = deliveries.code(order), uuid.uuid4().hex
        around.commerce.stop()
        try:
            with pytest.raises(Refused):
                deliveries.deliver(agent, order.order_id, key=key, kind="code", code=code)
            deliveries.administer("ResetDeliveryCode", order_id=order.order_id, reason="asked for")
        finally:
            around.commerce.start()

        done = when_back(lambda: deliveries.deliver(agent, order.order_id, key=key, kind="code", code=code))

        assert (done.order_status, done.proof_kind) == ("delivered", 3)

    def test_answers_an_upload_that_was_allowed_then(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        key, fields = uuid.uuid4().hex, {"kind": "photo", "mime_type": "image/png", "size_bytes": 10}
        around.media.stop()
        try:
            with pytest.raises(Refused):
                deliveries.act("RequestProofUpload", agent, order.order_id, key=key, **fields)
        finally:
            around.media.start()
        deliveries.act("Deliver", agent, order.order_id)

        done = when_back(lambda: deliveries.act("RequestProofUpload", agent, order.order_id, key=key, **fields))

        assert done.media_id in around.media.servicer.announced


class TestHeldRows:
    """Somebody holds the agent's row for longer than a statement waits, while the last transaction of a step wants it."""

    @pytest.mark.parametrize("step", ["PickUp", "Deliver", "CollectCash"])
    def test_leave_the_flow_to_whoever_comes_first(
        self, deliveries: Deliveries, around: Neighbours, mesh: MeshHarness, step: str
    ) -> None:
        agent, order = deliveries.taken(around) if step == "PickUp" else deliveries.picked_up(around)
        key, neighbour = uuid.uuid4().hex, around.finance if step == "CollectCash" else around.commerce
        engine = create_engine(mesh.stack.addresses.database_url("fulfillment", kind="owner"))

        def hold(_: grpc.ServicerContext) -> None:
            holder.execute(
                text("SELECT 1 FROM order_assignments WHERE order_id = CAST(:id AS uuid) FOR UPDATE"),
                {"id": order.order_id},
            )

        neighbour.servicer.answering = hold
        with engine.connect() as holder, pytest.raises(Refused) as refused:
            deliveries.act(step, agent, order.order_id, key=key, **fields_of(step))
        neighbour.servicer.answering = lambda _: None
        engine.dispose()

        done = deliveries.act(step, agent, order.order_id, key=key, **fields_of(step))

        assert (refused.value.code, refused.value.metadata["dependency"]) == ("UNAVAILABLE", "postgres")
        assert "holds" in refused.value.message
        assert done.HasField(_COLUMN[step])


class TestNobodyAsksAgain:
    def test_commerces_news_complete_the_record(self, deliveries: Deliveries, mesh: MeshHarness, half_way: Any) -> None:
        agent, order, _, at = half_way("PickUp")
        later = commerce.OrderSnapshot()
        later.CopyFrom(order)
        later.status, later.shipping_status, later.version = "delivered", "delivered", order.version + 2
        later.picked_up_by_user_id = later.delivered_by_user_id = str(agent)
        later.picked_up_at.FromDatetime(at)
        later.delivered_at.FromDatetime(at + timedelta(minutes=2))

        mesh.deliver("fulfillment", commerce.OrderStateChanged(order_id=order.order_id, order=later))

        (assignment,) = deliveries.assignments(order.order_id)
        assert (assignment.pickup_time, assignment.delivery_time) == (at, at + timedelta(minutes=2))

    def test_finances_news_complete_the_record(self, deliveries: Deliveries, mesh: MeshHarness, half_way: Any) -> None:
        agent, order, _, at = half_way("CollectCash")
        event = finance.CashCollected(order_id=order.order_id, agent_user_id=str(agent), amount_cents=12_345)
        event.cash_collected_at.FromDatetime(at)

        mesh.deliver("fulfillment", event)

        assert deliveries.assignments(order.order_id)[0].cash_pickup_time == at
        assert deliveries.row(order.order_id).payment_status == "settled"
