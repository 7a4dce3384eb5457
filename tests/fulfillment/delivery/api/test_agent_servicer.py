"""What agents do, through the whole chain, against small real servers of commerce and finance."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from marketmesh.commerce.v1 import order_pb2
from marketmesh.fulfillment.v1 import delivery_service_pb2 as messages
from tests.finance.snapshots import later
from tests.fulfillment.deliveries import Deliveries
from tests.fulfillment.neighbours import Neighbours
from tests.support.identity import address
from tests.support.mesh_harness import MeshHarness, Refused

_STEPS = ["PickUp", "Deliver", "CollectCash"]
_CASH = {"amount_cents": 12_345, "currency": "USD"}


def fields_of(step: str) -> dict[str, Any]:
    return _CASH if step == "CollectCash" else {}


def audited(mesh: MeshHarness, order_id: str) -> list[tuple[str, str]]:
    rows = mesh.rows(
        "fulfillment",
        "SELECT action, outcome FROM audit_log WHERE target = :id AND action <> 'delivery.assign' ORDER BY seq",
        id=order_id,
    )
    return [(row.action, row.outcome) for row in rows]


def when_back(call: Any) -> Any:
    """Call until the channel has connected again."""
    deadline = time.monotonic() + 8
    while True:
        try:
            return call()
        except Refused as refused:
            if refused.code != "UNAVAILABLE" or time.monotonic() > deadline:
                raise


class TestLists:
    def test_page_the_queue_newest_first(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        # Two at a time share an instant, so that the id must break ties.
        now = int(mesh.clock.now().timestamp())
        orders = [deliveries.ready(created_at=Timestamp(seconds=now + number // 2)) for number in range(7)]

        pages = deliveries.pages("ListQueue", uuid.uuid4(), limit=3)

        key = {order.order_id: (order.created_at.ToDatetime(), order.order_id) for order in orders}
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [order_id for page in pages for order_id in page] == sorted(key, key=lambda id_: key[id_], reverse=True)

    @pytest.mark.parametrize(
        ("status", "hold_reason", "listed"),
        [
            ("hold", "awaiting_pickup", True),
            ("hold", "payment_mismatch", False),
            ("ready_for_dispatch", "", True),
            ("hold_for_pickup", "", True),
            ("in_transit", "", False),
            ("delivered", "", False),
            ("canceled", "", False),
        ],
    )
    def test_queue_dispatchable_orders_only(
        self, deliveries: Deliveries, *, status: str, hold_reason: str, listed: bool
    ) -> None:
        order = deliveries.ready(status=status, hold_reason=hold_reason)

        assert deliveries.pages("ListQueue", uuid.uuid4()) == [[order.order_id] if listed else []]

    def test_say_what_is_in_each_and_where_it_goes(self, deliveries: Deliveries, around: Neighbours) -> None:
        free = deliveries.ready()
        agent, mine = deliveries.taken(around)
        for order in (free, mine):
            deliveries.known(
                around,
                order,
                discount_cents=55,
                balance_due_cents=900,
                fulfillment_status=order_pb2.FulfillmentStatus.Value.partial,
                shipping_address=address(),
                items=[order_pb2.OrderLineItem(product_name="Haze", qty=3)],
                notes="Ring twice.",
            )

        seen = [
            *deliveries.listed("ListQueue", agent),
            *deliveries.listed("ListMyDeliveries", agent),
            deliveries.get(agent, mine.order_id),
        ]

        assert [delivery.order_id for delivery in seen] == [free.order_id, mine.order_id, mine.order_id]
        for delivery in seen:
            assert (delivery.discount_cents, delivery.due_cents, delivery.fulfillment_status) == (55, 900, "partial")
            assert (delivery.shipping_address, delivery.notes) == (address(), "Ring twice.")
            assert [(item.product_name, item.qty) for item in delivery.items] == [("Haze", 3)]

    def test_do_without_while_commerce_is_away(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)
        around.commerce.servicer.is_away = True
        try:
            delivery = deliveries.get(agent, order.order_id)
            (listed,) = deliveries.listed("ListMyDeliveries", agent)
        finally:
            around.commerce.servicer.is_away = False

        for seen in (delivery, listed):
            assert (seen.order_id, seen.total_cents) == (order.order_id, order.total_cents)
            assert [seen.HasField(name) for name in ("discount_cents", "due_cents", "shipping_address")] == [False] * 3

    def test_wait_longer_for_the_one_than_for_a_list(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)
        around.commerce.servicer.patience.clear()

        deliveries.get(agent, order.order_id)
        deliveries.listed("ListMyDeliveries", agent)

        one, many = around.commerce.servicer.patience
        assert one > 2 > many

    def test_page_my_deliveries_newest_assignment_first(self, mesh: MeshHarness, deliveries: Deliveries) -> None:
        me, orders = deliveries.agent(), []
        for _ in range(5):
            mesh.clock.advance(timedelta(seconds=1))
            orders.append(deliveries.ready().order_id)
        other = deliveries.agent()
        deliveries.assign(orders[1], other)

        pages = deliveries.pages("ListMyDeliveries", me, limit=3)

        mine = [order_id for order_id in reversed(orders) if order_id != orders[1]]
        assert pages == [mine[:3], mine[3:]]
        assert deliveries.pages("ListMyDeliveries", other) == [[orders[1]]]


class TestPickUp:
    def test_puts_the_order_on_its_way(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)

        delivery = deliveries.act("PickUp", agent, order.order_id)

        assert delivery.order_status == "in_transit"
        assert delivery.pickup_time.ToDatetime() == mesh.clock.now().replace(tzinfo=None)
        assert around.commerce.servicer.steps[-1] == (order.order_id, "pickup", str(agent))
        assert deliveries.row(order.order_id).order_version == order.version + 1
        assert audited(mesh, order.order_id) == [("delivery.pickup", "ok")]

    def test_keeps_the_first_time(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)
        key = uuid.uuid4().hex
        first = deliveries.act("PickUp", agent, order.order_id, key=key)
        mesh.clock.advance(timedelta(seconds=30))

        replayed = deliveries.act("PickUp", agent, order.order_id, key=key)
        repeated = deliveries.act("PickUp", agent, order.order_id)

        assert replayed.SerializeToString() == first.SerializeToString()
        assert repeated.SerializeToString() == first.SerializeToString()


class TestDeliver:
    def test_follows_the_pickup(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)
        picked = deliveries.act("PickUp", agent, order.order_id)
        mesh.clock.advance(timedelta(minutes=10))

        delivered = deliveries.act("Deliver", agent, order.order_id)

        assert delivered.order_status == "delivered"
        assert delivered.pickup_time == picked.pickup_time
        assert delivered.delivery_time.ToDatetime() == mesh.clock.now().replace(tzinfo=None)

    def test_is_refused_before_the_pickup(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)

        with pytest.raises(Refused) as refused:
            deliveries.act("Deliver", agent, order.order_id)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "DELIVERY_STATE_INVALID")
        assert (refused.value.metadata["state"], refused.value.metadata["allowed"]) == ("hold", "in_transit")
        assert deliveries.assignments(order.order_id)[0].delivery_time is None
        assert audited(mesh, order.order_id) == []


class TestCollectCash:
    def test_tells_finance_what_order_and_agent_say(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.taken(around)
        deliveries.act("PickUp", agent, order.order_id)

        delivery = deliveries.collect(agent, order.order_id)

        assert (delivery.payment_status, delivery.order_status) == ("settled", "in_transit")
        assert delivery.cash_pickup_time.ToDatetime() == mesh.clock.now().replace(tzinfo=None)
        request = around.finance.servicer.requests[-1]
        assert (request.order_id, request.agent_user_id) == (order.order_id, str(agent))
        assert (request.amount_cents, request.currency, request.order_total_cents) == (12_345, "USD", 12_345)
        assert request.order_version == order.version + 1

    def test_answers_the_same_sum_again(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around, status="ready_for_dispatch")
        first = deliveries.collect(agent, order.order_id)
        mesh.clock.advance(timedelta(seconds=30))

        again = deliveries.collect(agent, order.order_id)

        assert again.SerializeToString() == first.SerializeToString()

    @pytest.mark.parametrize("amount_cents", [1, 12_346])
    def test_refuses_another_sum_once_it_is_collected(
        self, deliveries: Deliveries, around: Neighbours, amount_cents: int
    ) -> None:
        agent, order = deliveries.taken(around, status="ready_for_dispatch")
        deliveries.collect(agent, order.order_id)
        before = deliveries.get(agent, order.order_id)

        with pytest.raises(Refused) as refused:
            deliveries.collect(agent, order.order_id, amount_cents=amount_cents)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "CASH_COLLECTED_OTHERWISE")
        told = refused.value.metadata
        assert (told["collected_cents"], told["received_cents"]) == ("12345", str(amount_cents))
        assert deliveries.get(agent, order.order_id) == before

    def test_passes_a_mismatch_on(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around, status="ready_for_dispatch")

        with pytest.raises(Refused) as mismatch:
            deliveries.collect(agent, order.order_id, amount_cents=12_344)
        with pytest.raises(Refused) as final:
            deliveries.collect(agent, order.order_id)

        assert (mismatch.value.code, mismatch.value.reason) == ("FAILED_PRECONDITION", "PAYMENT_MISMATCH")
        assert mismatch.value.metadata["expected_cents"] == "12345"
        assert mismatch.value.metadata["received_cents"] == "12344"
        assert (final.value.reason, final.value.metadata["state"]) == ("PAYMENT_FINAL", "failed")
        assert deliveries.assignments(order.order_id)[0].cash_pickup_time is None
        assert deliveries.row(order.order_id).payment_status == "unpaid"

    @pytest.mark.parametrize("status", ["hold", "closed", "canceled"])
    def test_takes_cash_in_three_states_only(self, deliveries: Deliveries, around: Neighbours, status: str) -> None:
        agent, order = deliveries.taken(around)
        deliveries.known(around, later(order, status=status))
        asked = len(around.finance.servicer.requests)

        with pytest.raises(Refused) as refused:
            deliveries.collect(agent, order.order_id)

        assert refused.value.reason == "DELIVERY_STATE_INVALID"
        assert refused.value.metadata["state"] == status
        assert refused.value.metadata["allowed"] == "ready_for_dispatch, in_transit, delivered"
        assert len(around.finance.servicer.requests) == asked


class TestEveryStep:
    @pytest.mark.parametrize("step", _STEPS)
    def test_answers_another_agents_order_as_a_missing_one(
        self, deliveries: Deliveries, around: Neighbours, step: str
    ) -> None:
        owner, order = deliveries.taken(around)
        stranger = uuid.uuid4()
        steps = len(around.commerce.servicer.steps)

        refusals = []
        for order_id in (order.order_id, str(uuid.uuid4())):
            with pytest.raises(Refused) as refused:
                deliveries.act(step, stranger, order_id, **fields_of(step))
            refusals.append(refused.value)
            with pytest.raises(Refused) as unread:
                deliveries.get(stranger, order_id)
            refusals.append(unread.value)

        assert {refusal.code for refusal in refusals} == {"NOT_FOUND"}
        assert len({refusal.status.SerializeToString() for refusal in refusals}) == 1
        assert len(around.commerce.servicer.steps) == steps
        assert deliveries.get(owner, order.order_id).order_status == "hold"

    @pytest.mark.parametrize("step", _STEPS)
    def test_tells_an_agent_whose_order_was_given_away(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours, step: str
    ) -> None:
        first, order = deliveries.taken(around)
        second = deliveries.agent()
        deliveries.assign(order.order_id, second)

        with pytest.raises(Refused) as refused:
            deliveries.act(step, first, order.order_id, **fields_of(step))
        with pytest.raises(Refused) as unread:
            deliveries.get(first, order.order_id)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "DELIVERY_REASSIGNED")
        assert datetime.fromisoformat(refused.value.metadata["reassigned_at"]) == mesh.clock.now()
        assert unread.value.code == "NOT_FOUND"

    @pytest.mark.parametrize(
        ("step", "away"),
        [("PickUp", "commerce"), ("Deliver", "commerce"), ("CollectCash", "commerce"), ("CollectCash", "finance")],
    )
    def test_asks_to_come_back_and_takes_the_same_key_later(
        self, deliveries: Deliveries, around: Neighbours, step: str, away: str
    ) -> None:
        agent, order = deliveries.taken(around, status="ready_for_dispatch")
        if step == "Deliver":
            deliveries.act("PickUp", agent, order.order_id)
        key, neighbour = uuid.uuid4().hex, getattr(around, away)
        neighbour.stop()
        try:
            with pytest.raises(Refused) as refused:
                deliveries.act(step, agent, order.order_id, key=key, **fields_of(step))
            untouched = deliveries.assignments(order.order_id)[0]
        finally:
            neighbour.start()

        done = when_back(lambda: deliveries.act(step, agent, order.order_id, key=key, **fields_of(step)))

        assert (refused.value.code, refused.value.metadata["dependency"]) == ("UNAVAILABLE", away)
        assert refused.value.headers["retry-after"] == "1"
        column = {"PickUp": "pickup_time", "Deliver": "delivery_time", "CollectCash": "cash_pickup_time"}[step]
        assert getattr(untouched, column) is None
        assert done.HasField(column)

    def test_needs_a_key(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)

        for step in _STEPS:
            request = getattr(messages, f"{step}Request")(order_id=order.order_id, **fields_of(step))
            with pytest.raises(Refused) as refused:
                mesh.call(getattr(deliveries.agents, step), request, token=mesh.agent_token(agent))
            assert refused.value.reason == "IDEMPOTENCY_KEY_MISSING"

        assert deliveries.get(agent, order.order_id).order_status == "hold"

    @pytest.mark.parametrize("who", ["nobody", "store", "member called agent", "admin", "service"])
    def test_serves_agents_only(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours, who: str) -> None:
        agent, order = deliveries.taken(around)
        token = {
            "nobody": "",
            "store": mesh.store_token(uuid.uuid4(), user_id=agent),
            "member called agent": mesh.store_token(uuid.uuid4(), user_id=agent, role="agent"),
            "admin": mesh.admin_token(agent),
            "service": mesh.service_token(),
        }[who]
        calls = [
            (deliveries.agents.ListQueue, messages.ListQueueRequest()),
            (deliveries.agents.ListMyDeliveries, messages.ListMyDeliveriesRequest()),
            (deliveries.agents.GetDelivery, messages.GetDeliveryRequest(order_id=order.order_id)),
            (deliveries.agents.PickUp, messages.PickUpRequest(order_id=order.order_id)),
            (deliveries.agents.Deliver, messages.DeliverRequest(order_id=order.order_id)),
            (deliveries.agents.CollectCash, messages.CollectCashRequest(order_id=order.order_id, **_CASH)),
        ]

        for method, request in calls:
            with pytest.raises(Refused) as refused:
                mesh.call(method, request, token=token, key=uuid.uuid4().hex)
            assert refused.value.code == "UNAUTHENTICATED"

        assert deliveries.get(agent, order.order_id).order_status == "hold"
