"""Each fault that an independent driver once saw in the market: the rows it leaves are broken here, and `prove` says so.

The table in docs/architecture/proofs.md names the same faults.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from deploy.dev.stack import Embedded
from deploy.tools.prove import _across
from deploy.tools.prove_deliveries import prove_deliveries
from deploy.tools.prove_leftovers import prove_flows, prove_notices, prove_photos
from marketmesh.finance.events.v1 import finance_events_pb2
from meshkit.db.tx import Transactions
from tests.contracts.world import SERVICES, World
from tests.support.mesh_harness import MeshHarness

Databases = dict[str, Transactions]
_HOLDER = "WHERE order_id = CAST(:id AS uuid) AND unassigned_at IS NULL"


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


def everything(databases: Databases) -> list[str]:
    proofs: tuple[Callable[[Databases], list[str]], ...] = (
        _across, prove_deliveries, prove_flows, prove_photos, prove_notices,
    )  # fmt: skip
    return [problem for proof in proofs for problem in proof(databases)]


def problems_of(world: World, *ids: str) -> list[str]:
    world.mesh.pump()
    databases = {name: world.mesh.process(name).transactions for name in SERVICES}
    return [problem for problem in everything(databases) if any(each in problem for each in ids)]


def change(world: World, service: str, statement: str, **values: str) -> None:
    with world.mesh.transaction(service) as tx:
        assert tx.execute(text(statement), values).rowcount > 0


def lines_of(world: World, order_id: str) -> list[str]:
    sql = "SELECT id FROM order_line_items WHERE order_id = CAST(:id AS uuid)"
    return [str(row.id) for row in world.mesh.rows("commerce", sql, id=order_id)]


class TestFlowThatStoppedHalfWay:
    def test_is_seen_by_what_the_agents_record_lacks(self, world: World) -> None:
        order_id = world.new_delivery(upto="settled").order_id
        before = problems_of(world, order_id)
        change(
            world, "fulfillment",
            f"UPDATE order_assignments SET pickup_time = NULL, delivery_time = NULL, cash_pickup_time = NULL {_HOLDER}",
            id=order_id,
        )  # fmt: skip

        assert before == []
        assert problems_of(world, order_id) == [
            f"order {order_id} was picked up, its agent's record does not say so",
            f"order {order_id} was delivered, its agent's record does not say so",
            f"cash of order {order_id} is booked, its agent's record does not say so",
        ]

    def test_is_seen_by_a_photo_that_is_detached(self, world: World) -> None:
        order_id, media_id = world.new_delivery(upto="delivered").order_id, str(uuid.uuid4())
        statement = (
            f"UPDATE order_assignments SET proof_kind = 'photo', proof_media_id = CAST(:media AS uuid) {_HOLDER}"
        )

        change(world, "fulfillment", statement, id=order_id, media=media_id)

        assert problems_of(world, order_id) == [
            f"order {order_id} was delivered, its proof {media_id} is not attached in media"
        ]

    def test_is_seen_by_its_key_that_has_no_answer(self, world: World) -> None:
        flow_id = str(uuid.uuid4())
        insert = (
            "INSERT INTO idempotency_keys (principal, method, key, request_hash, created_at, expires_at, flow_id,"
            " flow_request, flow_principal, lease_until) VALUES ('p', '/m', :flow, '', now() - interval '11 minutes',"
            " now() + interval '1 day', CAST(CAST(:flow AS text) AS uuid), '', '{}', {lease})"
        )
        for lease, found in (("NULL", []), ("now()", [f"commerce: flow {flow_id} of /m has no answer"])):
            change(world, "commerce", insert.replace("{lease}", lease), flow=flow_id)
            assert problems_of(world, flow_id) == found
            change(world, "commerce", "DELETE FROM idempotency_keys WHERE key = :flow", flow=flow_id)


class TestOversell:
    def test_is_seen_by_a_line_without_stock(self, world: World) -> None:
        order_id = world.new_order(accepted=True).order_id
        (line_id, *_) = lines_of(world, order_id)

        change(
            world, "catalog", "UPDATE reservations SET state = 'expired' WHERE line_id = CAST(:id AS uuid)", id=line_id
        )

        assert problems_of(world, line_id) == [f"line {line_id} is accepted, its reservation expired"]
        change(
            world, "catalog", "UPDATE reservations SET state = 'reserved' WHERE line_id = CAST(:id AS uuid)", id=line_id
        )


class TestOrderInTwoHands:
    @pytest.mark.parametrize(("upto", "lacks"), [("delivered", "delivered"), ("picked_up", "picked up")])
    def test_is_seen_by_an_agent_who_took_no_step(self, world: World, upto: str, lacks: str) -> None:
        """A delivered order on hold that was given away, and a pickup that a reassignment overtook."""
        order_id = world.new_delivery(upto=upto).order_id
        change(
            world, "fulfillment",
            "UPDATE order_assignments SET agent_user_id = CAST(:other AS uuid), pickup_time = NULL, delivery_time = NULL"
            f" {_HOLDER}",
            id=order_id, other=world.other_agent_id,
        )  # fmt: skip

        assert f"order {order_id} was {lacks}, its agent's record does not say so" in problems_of(world, order_id)


class TestTwoFailedPayments:
    def test_that_made_one_notice_are_seen(self, world: World) -> None:
        order_id = world.new_failed_payment().order_id
        before = problems_of(world, order_id)

        change(
            world, "identity", "DELETE FROM notifications WHERE link LIKE '%' || :id AND title LIKE '%fit'", id=order_id
        )

        assert before == []
        assert problems_of(world, order_id) == [f"a failed payment of order {order_id} is in no inbox"]

    @pytest.mark.parametrize(
        ("ago", "kept_days", "is_seen"),
        [
            (timedelta(days=28), "30", True),
            (timedelta(days=30), "30", False),
            (timedelta(days=30), "60", True),
            (timedelta(hours=2), "1", False),
        ],
    )
    def test_are_asked_for_only_while_their_notices_are_kept(
        self, world: World, monkeypatch: pytest.MonkeyPatch, ago: timedelta, kept_days: str, is_seen: bool
    ) -> None:
        """The event may lie longer in its outbox than the notice in an inbox: it was put back."""
        monkeypatch.setenv("IDENTITY_NOTIFICATION_DAYS", kept_days)
        order_id = world.new_failed_payment().order_id
        (row,) = world.mesh.rows(
            "finance", "SELECT * FROM outbox WHERE type = 'payment_failed' AND ordering_key = :id", id=order_id
        )
        event = finance_events_pb2.PaymentFailed.FromString(bytes(row.payload))
        event.failed_at.FromDatetime(world.mesh.clock.now() - ago)

        # No notice was made of a failure of that time, as if it were gone.
        with world.mesh.transaction("finance") as tx:
            tx.execute(
                text("UPDATE outbox SET payload = :payload WHERE event_id = :id"),
                {"payload": event.SerializeToString(), "id": row.event_id},
            )

        found = [f"a failed payment of order {order_id} is in no inbox"]
        assert problems_of(world, order_id) == (found if is_seen else [])


class TestLinesTakenOutAfterDelivery:
    def test_are_seen_by_the_stock_they_consumed(self, world: World) -> None:
        order_id = world.new_delivery(upto="delivered").order_id
        (line_id, *_) = lines_of(world, order_id)
        put = "UPDATE order_line_items SET status = :status WHERE id = CAST(:id AS uuid)"
        sql = "SELECT status FROM order_line_items WHERE id = CAST(:id AS uuid)"
        (before,) = world.mesh.rows("commerce", sql, id=line_id)

        change(world, "commerce", put, id=line_id, status="rejected")
        found = problems_of(world, line_id)
        # Other proofs of commerce read the same database.
        change(world, "commerce", put, id=line_id, status=before.status)

        assert found == [f"line {line_id} is rejected, its reservation consumed"]


class TestDeliveryOfAnOrderThatCameToNothing:
    def test_is_seen_when_it_says_another_payment(self, world: World) -> None:
        order_id = world.new_delivery(upto="delivered").order_id

        change(
            world, "fulfillment", "UPDATE deliveries SET payment_status = 'failed' WHERE order_id = CAST(:id AS uuid)",
            id=order_id,
        )  # fmt: skip

        assert problems_of(world, order_id) == [f"order {order_id} is unpaid in finance, its delivery says failed"]
