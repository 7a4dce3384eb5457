"""`marketmesh prove` over all services: what payouts and refunds do to an order is seen on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from deploy.dev.stack import Embedded
from deploy.tools.prove import prove_everything
from marketmesh.finance.v1 import payout_batch_service_pb2, payout_service_pb2
from tests.contracts.world import World
from tests.support.mesh_harness import MeshHarness

A_MOMENT = timedelta(seconds=1)
PAYOUTS = "/marketmesh.finance.v1.PayoutAdminService/"


@pytest.fixture(scope="module")
def world(embedded_stack: Embedded) -> Iterator[World]:
    mesh = MeshHarness(embedded_stack)
    yield World(mesh)
    mesh.close()


def problems_of(order_id: str) -> list[str]:
    """Return what is proven of one order; other tests leave others."""
    return [problem for problem in prove_everything(settle_s=0) if order_id in problem]


def returned(world: World) -> tuple[str, str]:
    """Return order and payout of which the money came back."""
    payout_id = world.new_payout()
    sql = (
        "SELECT i.subject_id AS order_id FROM payout_items p JOIN payment_intents i ON i.id = p.intent_id"
        " WHERE p.payout_id = CAST(:id AS uuid)"
    )
    (item,) = world.mesh.rows("finance", sql, id=payout_id)
    request = payout_batch_service_pb2.ReturnPayoutRequest(payout_id=payout_id, reason="account closed")
    world.do(PAYOUTS + "ReturnPayout", request, world.admin)
    return str(item.order_id), payout_id


def order(world: World, order_id: str) -> tuple[str, str, bool]:
    sql = (
        "SELECT status, payment_status, payout_returned_at FROM vendor_orders"
        " JOIN order_settlements ON order_id = id WHERE id = CAST(:id AS uuid)"
    )
    (row,) = world.mesh.rows("commerce", sql, id=order_id)
    return row.status, row.payment_status, row.payout_returned_at is not None


class TestReturnedPayout:
    def test_leaves_a_closed_order_that_says_so(self, world: World) -> None:
        order_id, _ = returned(world)

        assert order(world, order_id) == ("closed", "settled", True)
        assert problems_of(order_id) == []

    def test_is_shown_to_administrators(self, world: World) -> None:
        order_id, _ = returned(world)

        request = payout_service_pb2.GetPayoutRequest(order_id=order_id)
        detail = world.mesh.read(
            world.method("/marketmesh.finance.v1.FinanceAdminService/GetPayout"), request, token=world.admin
        )

        assert detail.payment.HasField("payout_returned_at")

    def test_can_be_made_up_for_by_another_payout(self, world: World) -> None:
        order_id, _ = returned(world)
        world.mesh.clock.advance(A_MOMENT)

        request = payout_service_pb2.ConfirmPayoutRequest(order_id=order_id)
        world.do("/marketmesh.finance.v1.FinanceAdminService/ConfirmPayout", request, world.admin)

        assert order(world, order_id) == ("closed", "paid", False)
        assert problems_of(order_id) == []

    def test_that_the_order_does_not_know_of_is_named(self, world: World) -> None:
        order_id, _ = returned(world)
        with world.mesh.transaction("commerce") as tx:
            forget = "UPDATE order_settlements SET payout_returned_at = NULL WHERE order_id = CAST(:id AS uuid)"
            pay = "UPDATE vendor_orders SET payment_status = 'paid' WHERE id = CAST(:id AS uuid)"
            for change in (forget, pay):
                tx.execute(text(change), {"id": order_id})

        found = problems_of(order_id)

        assert found == [f"order {order_id} is paid, its intent settled after a payout"]


class TestRefund:
    def test_is_the_same_on_both_sides(self, world: World) -> None:
        order_id = world.new_paid_order()
        request = payout_batch_service_pb2.RefundOrderRequest(
            order_id=order_id, amount_cents=100, currency="USD", reason="broken"
        )
        world.do(PAYOUTS + "RefundOrder", request, world.admin)
        agreed = problems_of(order_id)
        with world.mesh.transaction("commerce") as tx:
            change = "UPDATE order_settlements SET refunded_cents = 99 WHERE order_id = CAST(:id AS uuid)"
            tx.execute(text(change), {"id": order_id})

        assert agreed == []
        assert problems_of(order_id) == [f"order {order_id} has 99 refunded, its intent 100"]
