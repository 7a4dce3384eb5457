"""Photos, signatures and one-time codes that prove a delivery, through the whole chain."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.fulfillment.v1 import delivery_service_pb2 as messages
from services.fulfillment.delivery.api.agent_servicer import AgentServicer
from services.fulfillment.delivery.domain.proof import MAX_CODE_FAILURES, ProofPolicy
from tests.finance.snapshots import later
from tests.fulfillment.deliveries import Deliveries
from tests.fulfillment.neighbours import Neighbours
from tests.support.mesh_harness import MeshHarness, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = messages.ProofKind.Value


def another(code: str) -> str:
    """Return a wrong code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def refused(call: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


@pytest.fixture
def demand(mesh: MeshHarness, request: pytest.FixtureRequest) -> Iterator[str]:
    """Let the deployment demand a proof while a test runs."""
    servicers = [item.implementation for item in mesh.process("fulfillment").wiring.servicers]
    (agents,) = [servicer for servicer in servicers if isinstance(servicer, AgentServicer)]
    usual = agents.terms
    object.__setattr__(agents, "terms", dataclasses.replace(usual, policy=ProofPolicy(request.param)))
    yield request.param
    object.__setattr__(agents, "terms", usual)


class TestFile:
    @pytest.mark.parametrize("kind", ["photo", "signature"])
    def test_is_attached_in_media_and_shown(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours, kind: str
    ) -> None:
        agent, order = deliveries.picked_up(around)
        media_id = deliveries.upload(around, agent, order.order_id, kind=kind)

        delivered = deliveries.deliver(agent, order.order_id, kind=kind, media_id=media_id)

        assert (delivered.order_status, delivered.proof_media_id) == ("delivered", media_id)
        assert delivered.proof_kind == Kind.Value(kind)
        assert around.media.servicer.attached[order.order_id] == [media_id]
        announced = around.media.servicer.announced[media_id]
        assert (announced.store_id, announced.user_id) == (order.vendor_store_id, str(agent))
        sql = "SELECT after FROM audit_log WHERE target = :id AND action = 'delivery.deliver'"
        (row,) = mesh.rows("fulfillment", sql, id=order.order_id)
        assert (row.after["proof_kind"], row.after["proof_media_id"]) == (kind, media_id)

    def test_stays_the_first_one(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        first, second = (deliveries.upload(around, agent, order.order_id) for _ in range(2))
        deliveries.deliver(agent, order.order_id, kind="photo", media_id=first)

        again = deliveries.deliver(agent, order.order_id, kind="photo", media_id=second)

        assert again.proof_media_id == first
        assert around.media.servicer.attached[order.order_id] == [first]

    def test_must_have_been_uploaded(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        media_id = deliveries.upload(around, agent, order.order_id)
        around.media.servicer.uploaded.clear()

        refusal = refused(lambda: deliveries.deliver(agent, order.order_id, kind="photo", media_id=media_id))

        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "PROOF_NOT_USABLE")
        assert deliveries.get(agent, order.order_id).order_status == "in_transit"

    def test_of_another_order_agent_or_kind_is_as_missing_as_none(
        self, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.picked_up(around)
        other = deliveries.ready(vendor_store_id=order.vendor_store_id)
        deliveries.known(around, other)
        deliveries.assign(other.order_id, agent)
        deliveries.act("PickUp", agent, other.order_id)
        foreign = deliveries.upload(around, agent, other.order_id)
        signature = deliveries.upload(around, agent, order.order_id, kind="signature")

        refusals = [
            refused(
                lambda media_id=media_id: deliveries.deliver(agent, order.order_id, kind="photo", media_id=media_id)
            )
            for media_id in (foreign, signature, str(uuid.uuid4()))
        ]

        assert {refusal.code for refusal in refusals} == {"NOT_FOUND"}
        assert len({refusal.status.SerializeToString() for refusal in refusals}) == 1
        assert deliveries.get(agent, order.order_id).order_status == "in_transit"

    def test_is_let_go_when_commerce_refuses(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        media_id = deliveries.upload(around, agent, order.order_id)
        deliveries.known(around, later(order, status="canceled"))

        refusal = refused(lambda: deliveries.deliver(agent, order.order_id, kind="photo", media_id=media_id))

        assert refusal.reason == "DELIVERY_STATE_INVALID"
        assert around.media.servicer.attached[order.order_id] == []
        assert deliveries.assignments(order.order_id)[0].proof_media_id is None

    @pytest.mark.parametrize(
        ("proof", "field"),
        [
            ({"kind": "photo"}, "proof.media_id"),
            ({"kind": "code"}, "proof.code"),
            ({"kind": "code", "code": "12345"}, "proof.code"),
            ({"code": "123456"}, "proof.kind"),
            ({"kind": "photo", "media_id": "no"}, "proof.media_id"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, deliveries: Deliveries, around: Neighbours, proof: dict[str, str], field: str
    ) -> None:
        agent, order = deliveries.picked_up(around)

        refusal = refused(lambda: deliveries.deliver(agent, order.order_id, **proof))

        assert (refusal.reason, [item.field for item in refusal.violations]) == ("VALIDATION_ERROR", [field])
        assert deliveries.get(agent, order.order_id).order_status == "in_transit"


class TestRequestProofUpload:
    def test_replays_the_same_file(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        key, fields = uuid.uuid4().hex, {"kind": "photo", "mime_type": "image/png", "size_bytes": 10}

        first, second = (
            deliveries.act("RequestProofUpload", agent, order.order_id, key=key, **fields) for _ in range(2)
        )

        assert first == second
        assert first.signed_put_url == f"put:{first.media_id}"

    def test_takes_images_only(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        fields = {"kind": "photo", "mime_type": "application/pdf", "size_bytes": 10}

        refusal = refused(lambda: deliveries.act("RequestProofUpload", agent, order.order_id, **fields))

        assert [item.field for item in refusal.violations] == ["mime_type"]

    def test_tells_the_agent_that_too_many_are_open(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        key, fields = uuid.uuid4().hex, {"kind": "photo", "mime_type": "image/png", "size_bytes": 10}
        around.media.servicer.is_full = True

        refusal = refused(lambda: deliveries.act("RequestProofUpload", agent, order.order_id, key=key, **fields))
        around.media.servicer.is_full = False

        assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_OPEN_UPLOADS")
        assert refusal.metadata["limit"] == "50"
        # Nothing of it stays, and the key is free.
        assert deliveries.act("RequestProofUpload", agent, order.order_id, key=key, **fields).signed_put_url

    def test_waits_for_the_pickup(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.taken(around)

        refusal = refused(lambda: deliveries.upload(around, agent, order.order_id))

        assert (refusal.reason, refusal.metadata["allowed"]) == ("DELIVERY_STATE_INVALID", "in_transit")

    def test_knows_no_other_agents_order(self, deliveries: Deliveries, around: Neighbours) -> None:
        _, order = deliveries.picked_up(around)

        assert refused(lambda: deliveries.upload(around, uuid.uuid4(), order.order_id)).code == "NOT_FOUND"


class TestCode:
    def test_is_seen_by_the_buyer_and_entered_by_the_agent(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        code = deliveries.code(order)

        delivered = deliveries.deliver(agent, order.order_id, kind="code", code=code)

        assert (delivered.order_status, delivered.proof_kind) == ("delivered", Kind.code)

    def test_is_nobody_elses(self, deliveries: Deliveries, around: Neighbours) -> None:
        _, order = deliveries.picked_up(around)

        stranger = refused(lambda: deliveries.code(order, store_id=str(uuid.uuid4())))
        vendor = refused(lambda: deliveries.code(order, store_id=order.vendor_store_id))
        missing = refused(lambda: deliveries.code(commerce.OrderSnapshot(
            order_id=str(uuid.uuid4()), buyer_store_id=order.buyer_store_id)))  # fmt: skip

        assert {refusal.code for refusal in (stranger, vendor, missing)} == {"NOT_FOUND"}
        assert len({refusal.status.SerializeToString() for refusal in (stranger, vendor, missing)}) == 1

    def test_is_over_with_the_delivery(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        deliveries.deliver(agent, order.order_id)

        assert refused(lambda: deliveries.code(order)).reason == "DELIVERY_STATE_INVALID"

    def test_counts_every_wrong_one_and_locks(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.picked_up(around)
        right = deliveries.code(order)
        wrong = {"kind": "code", "code": another(right)}

        left = [
            refused(lambda: deliveries.deliver(agent, order.order_id, **wrong)).metadata["attempts_left"]
            for _ in range(MAX_CODE_FAILURES)
        ]
        locked = refused(lambda: deliveries.deliver(agent, order.order_id, kind="code", code=right))

        assert left == ["4", "3", "2", "1", "0"]
        assert (locked.code, locked.reason) == ("FAILED_PRECONDITION", "DELIVERY_CODE_LOCKED")
        assert deliveries.get(agent, order.order_id).order_status == "in_transit"
        sql = "SELECT outcome, request FROM audit_log WHERE target = :id AND action = 'delivery.code' ORDER BY seq"
        rows = mesh.rows("fulfillment", sql, id=order.order_id)
        assert [row.outcome for row in rows] == ["DELIVERY_CODE_WRONG"] * MAX_CODE_FAILURES

    def test_needs_another_proof_or_an_administrator_once_it_is_locked(
        self, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.picked_up(around)
        wrong = {"kind": "code", "code": another(deliveries.code(order))}
        for _ in range(MAX_CODE_FAILURES):
            refused(lambda: deliveries.deliver(agent, order.order_id, **wrong))

        without = refused(lambda: deliveries.deliver(agent, order.order_id))

        assert (without.code, without.reason) == ("FAILED_PRECONDITION", "DELIVERY_CODE_LOCKED")
        assert deliveries.get(agent, order.order_id).order_status == "in_transit"
        photo = deliveries.upload(around, agent, order.order_id)
        assert deliveries.deliver(agent, order.order_id, kind="photo", media_id=photo).order_status == "delivered"

    def test_takes_no_more_wrong_ones_at_once_than_one_by_one(self, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        wrong, start = another(deliveries.code(order)), threading.Barrier(8)

        def guess(_: int) -> str:
            start.wait(10)
            return refused(lambda: deliveries.deliver(agent, order.order_id, kind="code", code=wrong)).reason

        with ThreadPoolExecutor(8) as pool:
            reasons = list(pool.map(guess, range(8)))

        assert reasons.count("DELIVERY_CODE_WRONG") == MAX_CODE_FAILURES
        assert reasons.count("DELIVERY_CODE_LOCKED") == 8 - MAX_CODE_FAILURES
        assert deliveries.row(order.order_id).code_failures == MAX_CODE_FAILURES

    def test_is_replaced_by_an_administrator(
        self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours
    ) -> None:
        agent, order = deliveries.picked_up(around)
        old = deliveries.code(order)
        for _ in range(MAX_CODE_FAILURES):
            refused(lambda: deliveries.deliver(agent, order.order_id, kind="code", code=another(old)))

        answer = deliveries.administer("ResetDeliveryCode", order_id=order.order_id, reason="buyer mistyped")

        code = deliveries.code(order)
        assert (answer.code_failures, code == old) == (0, False)
        assert refused(lambda: deliveries.deliver(agent, order.order_id, kind="code", code=old)).reason == (
            "DELIVERY_CODE_WRONG"
        )
        assert deliveries.deliver(agent, order.order_id, kind="code", code=code).order_status == "delivered"
        sql = "SELECT before, after FROM audit_log WHERE target = :id AND action = 'delivery.reset_code'"
        (row,) = mesh.rows("fulfillment", sql, id=order.order_id)
        assert row.before == {"code_failures": MAX_CODE_FAILURES}
        assert row.after == {"code_failures": 0, "reason": "buyer mistyped"}

    def test_is_written_nowhere(self, mesh: MeshHarness, deliveries: Deliveries, around: Neighbours) -> None:
        agent, order = deliveries.picked_up(around)
        code = deliveries.code(order)
        refused(lambda: deliveries.deliver(agent, order.order_id, kind="code", code=another(code)))
        deliveries.deliver(agent, order.order_id, kind="code", code=code)

        tables = ("deliveries", "order_assignments", "audit_log", "outbox", "idempotency_keys")
        for table in tables:
            rows = mesh.rows("fulfillment", f"SELECT CAST(t AS text) AS line FROM {table} t")  # noqa: S608
            assert not [row.line for row in rows if order.order_id in row.line and f'"{code}"' in row.line]


class TestDemanded:
    @pytest.mark.parametrize("demand", ["any", "photo", "signature", "code"], indirect=True)
    def test_refuses_a_delivery_without_proof_and_names_it(
        self, deliveries: Deliveries, around: Neighbours, demand: str
    ) -> None:
        agent, order = deliveries.picked_up(around)
        steps = len(around.commerce.servicer.steps)

        refusal = refused(lambda: deliveries.deliver(agent, order.order_id))

        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "PROOF_REQUIRED")
        assert refusal.metadata["demanded"] == demand
        assert len(around.commerce.servicer.steps) == steps
        assert deliveries.get(agent, order.order_id).order_status == "in_transit"

    @pytest.mark.parametrize("demand", ["any", "code"], indirect=True)
    def test_takes_the_one_that_is_demanded(self, deliveries: Deliveries, around: Neighbours, demand: str) -> None:
        assert demand
        agent, order = deliveries.picked_up(around)

        delivered = deliveries.deliver(agent, order.order_id, kind="code", code=deliveries.code(order))

        assert delivered.order_status == "delivered"


class TestGetOrderDelivery:
    def test_shows_who_had_it_and_why(self, deliveries: Deliveries, around: Neighbours) -> None:
        first, order = deliveries.taken(around)
        second = deliveries.agent()
        deliveries.assign(order.order_id, second)

        answer = deliveries.administer("GetOrderDelivery", order_id=order.order_id)

        assert answer.delivery.agent_user_id == str(second)
        assert [(item.agent_user_id, item.reason, item.note) for item in answer.assignments] == [
            (str(first), "auto_random", "drawn at random from 1 active agent"),
            (str(second), "admin_override", "knows the way"),
        ]
        assert [item.HasField("unassigned_at") for item in answer.assignments] == [True, False]
        assert answer.assignments[1].assigned_by_user_id == str(deliveries.admin_id)

    def test_knows_no_unknown_order(self, deliveries: Deliveries) -> None:
        refusal = refused(lambda: deliveries.administer("GetOrderDelivery", order_id=str(uuid.uuid4())))

        assert refusal.code == "NOT_FOUND"
