"""Intents follow their orders."""

from __future__ import annotations

import uuid
from datetime import UTC

import pytest

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from meshkit.errors import DependencyUnavailable
from services.finance.payments.usecases.open_intents import open_intents
from tests.finance.paid_orders import Payments
from tests.finance.snapshots import changed, created, later, order_snapshot
from tests.support.mesh_harness import MeshHarness


class TestOrderCreated:
    def test_opens_an_unpaid_cash_intent(self, payments: Payments) -> None:
        order = payments.opened()

        intent = payments.intent(order)
        assert str(intent.id) == order.payment_intent_id
        assert (intent.status, intent.method, intent.amount_cents, intent.fee_cents, intent.currency) == (
            "unpaid",
            "cash",
            12_345,
            0,
            "USD",
        )
        assert (str(intent.buyer_store_id), str(intent.vendor_store_id)) == (
            order.buyer_store_id,
            order.vendor_store_id,
        )
        assert (intent.subject_version, intent.subject_status, intent.failure_reason) == (1, "created_pending", "")

    def test_opens_a_pending_intent_for_a_transfer(self, payments: Payments) -> None:
        assert payments.intent(payments.opened(payment_method="ach")).status == "pending"

    @pytest.mark.parametrize("status", ["rejected", "canceled", "expired"])
    def test_opens_a_rejected_intent_for_an_order_that_came_to_nothing(self, payments: Payments, status: str) -> None:
        assert payments.intent(payments.opened(status=status)).status == "rejected"

    def test_opens_one_intent_however_often_it_is_told(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.opened()

        mesh.deliver("finance", created(order))
        mesh.deliver("finance", created(later(order, total_cents=1)))

        rows = mesh.rows(
            "finance",
            "SELECT amount_cents FROM payment_intents WHERE subject_id = CAST(:id AS uuid)",
            id=order.order_id,
        )
        assert [row.amount_cents for row in rows] == [12_345]


class TestOrderChanged:
    def test_follows_amount_and_keeps_the_fee_policy_of_the_first_day(
        self, mesh: MeshHarness, payments: Payments
    ) -> None:
        order = order_snapshot(total_cents=10_050)
        with mesh.transaction("finance") as tx:
            open_intents(tx, [order], fee_basis_points=250)
        before = payments.intent(order)

        payments.moved(order, total_cents=9_980)

        after = payments.intent(order)
        assert (before.amount_cents, before.fee_cents) == (10_050, 251)
        assert (after.amount_cents, after.fee_cents, after.fee_basis_points) == (9_980, 250, 250)

    @pytest.mark.parametrize(
        "event_class",
        [commerce.OrderDecided, commerce.OrderReadyForDispatch, commerce.OrderCanceled, commerce.OrderExpired],
    )
    def test_follows_every_kind_of_change(
        self, mesh: MeshHarness, payments: Payments, event_class: type[commerce.OrderDecided]
    ) -> None:
        order = later(payments.opened(), status="hold", total_cents=77)

        mesh.deliver("finance", event_class(order_id=order.order_id, order=order))

        intent = payments.intent(order)
        assert (intent.subject_version, intent.subject_status, intent.amount_cents) == (2, "hold", 77)

    def test_ignores_an_older_and_the_same_version(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.opened()
        newest = later(order, total_cents=500, version=5)
        mesh.deliver("finance", changed(newest))

        mesh.deliver("finance", changed(later(order, total_cents=900, version=4)))
        mesh.deliver("finance", changed(later(order, total_cents=901, version=5)))

        assert (payments.intent(order).amount_cents, payments.intent(order).subject_version) == (500, 5)

    @pytest.mark.parametrize("status", ["rejected", "canceled", "expired"])
    def test_rejects_the_payment_of_an_order_that_came_to_nothing(self, payments: Payments, status: str) -> None:
        order = payments.opened()

        payments.moved(order, status=status, total_cents=1)

        intent = payments.intent(order)
        assert (intent.status, intent.subject_status, intent.amount_cents) == ("rejected", status, 12_345)

    def test_leaves_settled_money_alone(self, payments: Payments) -> None:
        order = payments.collected()

        payments.moved(order, status="canceled", total_cents=1)

        intent = payments.intent(order)
        assert (intent.status, intent.subject_status, intent.amount_cents) == ("settled", "canceled", 12_345)

    def test_remembers_the_delivery(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.delivered(payments.opened())

        assert payments.intent(order).delivered_at == mesh.clock.now().astimezone(UTC)

    def test_asks_for_the_creation_first(self, mesh: MeshHarness) -> None:
        order = later(order_snapshot(), status="hold")

        with pytest.raises(DependencyUnavailable) as refused:
            mesh.deliver("finance", changed(order))

        assert refused.value.retryable
        rows = mesh.rows(
            "finance", "SELECT 1 FROM payment_intents WHERE subject_id = CAST(:id AS uuid)", id=order.order_id
        )
        assert rows == []

    def test_handles_it_after_the_creation_arrived(self, mesh: MeshHarness, payments: Payments) -> None:
        order, event_id = order_snapshot(), uuid.uuid4()
        with pytest.raises(DependencyUnavailable):
            mesh.deliver("finance", changed(later(order, status="hold")), event_id=event_id)
        mesh.deliver("finance", created(order))

        mesh.deliver("finance", changed(later(order, status="hold")), event_id=event_id)

        assert payments.intent(order).subject_status == "hold"
