"""Orders that cost nothing, or nothing any more, and credits, through the whole chain."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from marketmesh.finance.v1 import payment_pb2
from services.finance.payments.usecases.open_intents import open_intents
from services.finance.proofs.usecases.prove_money import prove_money
from tests.finance.paid_orders import Payments
from tests.finance.snapshots import order_snapshot
from tests.support.mesh_harness import MeshHarness, Refused

Status = payment_pb2.IntentStatus.Value


@pytest.fixture(autouse=True)
def everything_adds_up(mesh: MeshHarness) -> Any:
    """Nothing that a test did may break the books."""
    with mesh.transaction("finance") as tx:
        before = prove_money(tx)
    yield
    with mesh.transaction("finance") as tx:
        assert prove_money(tx) == before


class TestAnOrderThatCostsNothing:
    @pytest.mark.parametrize("method", ["cash", "ach"])
    def test_is_paid_once_it_is_delivered(self, mesh: MeshHarness, payments: Payments, method: str) -> None:
        order = payments.opened(total_cents=0, payment_method=method)
        first = payments.events(order)

        payments.delivered(order)

        intent = payments.intent(order)
        assert (first, payments.events(order)) == ([], ["order_paid"])
        assert (intent.status, intent.vendor_paid_at, intent.collected_by_user_id) == ("paid", mesh.clock.now(), None)
        assert payments.postings(order) == []
        assert payments.due_payouts(order.vendor_store_id) == []

    def test_is_not_paid_while_it_may_still_cost_something_else(self, payments: Payments) -> None:
        order = payments.opened(total_cents=0)

        payments.moved(order, status="in_transit")

        assert payments.intent(order).status == "unpaid"

    def test_takes_no_cash_afterwards(self, payments: Payments) -> None:
        order = payments.opened(total_cents=0)
        payments.delivered(order)

        with pytest.raises(Refused) as refused:
            payments.collect(order, amount_cents=1)

        assert (refused.value.reason, refused.value.metadata["collected_cents"]) == ("CASH_COLLECTED_OTHERWISE", "0")
        assert payments.intent(order).status == "paid"

    def test_is_not_paid_when_it_was_called_off(self, payments: Payments) -> None:
        order = payments.opened(total_cents=0)

        payments.moved(order, status="rejected")

        assert (payments.intent(order).status, payments.events(order)) == ("rejected", [])


class TestCreditOrder:
    def credit(self, payments: Payments, order: Any, cents: int, **changes: Any) -> payment_pb2.PaymentIntent:
        fields = {"order_id": order.order_id, "amount_cents": cents, "currency": "USD", "reason": "one came back"}
        answer: payment_pb2.PaymentIntent = payments.pay("CreditOrder", **{**fields, **changes})
        return answer

    def of_ten_percent(self, mesh: MeshHarness, payments: Payments) -> Any:
        order = order_snapshot(total_cents=10_000)
        with mesh.transaction("finance") as tx:
            open_intents(tx, [order], fee_basis_points=1_000)
        return payments.delivered(order)

    def test_lets_the_cash_fit_after_a_mismatch(self, mesh: MeshHarness, payments: Payments) -> None:
        order = self.of_ten_percent(mesh, payments)
        with pytest.raises(Refused):
            payments.collect(order, amount_cents=7_000)

        credited = self.credit(payments, order, 3_000)
        payments.reopen(order.order_id)
        collected = payments.collect(order, amount_cents=7_000)
        paid = payments.confirm(order.order_id)

        assert (credited.status, credited.credited_cents, credited.amount_cents) == (Status.failed, 3_000, 10_000)
        assert (collected.status, paid.status) == (Status.settled, Status.paid)
        assert payments.balance("cash_in_transit", str(payments.agent)) == 7_000
        assert payments.balance("vendor_payable", order.vendor_store_id) == 0
        assert payments.balance("refund_payable", order.buyer_store_id) == 0
        assert [posting[4] for posting in payments.postings(order) if posting[0] == "vendor_payout"] == [6_300, -6_300]
        told = [event for event in mesh.events("finance", events.PaymentRefunded) if event.order_id == order.order_id]
        assert [(event.amount_cents, event.credited_cents, event.is_credit) for event in told] == [(3_000, 3_000, True)]
        (row,) = payments.audited(order, "payment.credit")
        assert row.after == {"refunded_cents": 3_000, "credited_cents": 3_000, "reason": "one came back"}

    def test_of_everything_settles_and_reopens_the_order(self, mesh: MeshHarness, payments: Payments) -> None:
        order = self.of_ten_percent(mesh, payments)
        with pytest.raises(Refused):
            payments.collect(order, amount_cents=1)

        self.credit(payments, order, 4_000)
        settled = self.credit(payments, order, 6_000)

        assert (settled.status, settled.credited_cents) == (Status.paid, 10_000)
        assert payments.events(order) == [
            "payment_failed", "payment_refunded", "payment_refunded", "payment_reopened", "order_paid",
        ]  # fmt: skip
        for kind, owner in (
            ("vendor_payable", order.vendor_store_id),
            ("refund_payable", order.buyer_store_id),
        ):
            assert payments.balance(kind, owner) == 0

    @pytest.mark.parametrize(
        ("state", "cents"), [("open", 1), ("in_transit", 1), ("delivered", 12_346), ("settled", 1), ("rejected", 1)]
    )
    def test_is_for_what_is_due_of_a_delivered_order(self, payments: Payments, state: str, cents: int) -> None:
        order = payments.due() if state == "settled" else payments.opened()
        if state == "delivered":
            payments.delivered(order)
        elif state in {"in_transit", "rejected"}:
            payments.moved(order, status=state)
        before = payments.intent(order)

        with pytest.raises(Refused) as refused:
            self.credit(payments, order, cents)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "CREDIT_NOT_POSSIBLE")
        assert refused.value.metadata["due_cents"] == ("12345" if state == "delivered" else "0")
        assert payments.intent(order) == before

    def test_knows_order_and_currency(self, payments: Payments) -> None:
        order = payments.delivered(payments.opened())

        with pytest.raises(Refused) as unknown:
            self.credit(payments, order, 1, order_id=str(uuid.uuid4()))
        with pytest.raises(Refused) as other:
            self.credit(payments, order, 1, currency="EUR")

        assert unknown.value.code == "NOT_FOUND"
        assert [item.field for item in other.value.violations] == ["currency"]
