"""What is kept from payouts while somebody waits to pay it is not paid."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from meshkit.principal import Principal
from services.finance.ledger.domain import subject
from services.finance.payouts.domain.payout import PayoutTerms
from services.finance.payouts.usecases.confirm_payout import confirm_payout
from services.finance.payouts.usecases.hold_payout import hold_payout, release_payout
from tests.finance.paid_orders import Payments, wait_for_a_waiter
from tests.support.mesh_harness import MeshHarness, Refused

_ADMIN = Principal(user_id=uuid.uuid4())
_PAY: dict[str, Callable[[Payments, str, str], object]] = {
    "ConfirmPayout": lambda payments, order_id, _: payments.confirm(order_id),
    "RunPayouts": lambda payments, _, vendor: payments.pay("RunPayouts", vendor_store_id=vendor),
}


class TestHoldPayout:
    @pytest.mark.parametrize("call", list(_PAY))
    def test_stands_for_whoever_waited_for_it(self, mesh: MeshHarness, payments: Payments, call: str) -> None:
        order = payments.due()

        def pay() -> str:
            try:
                _PAY[call](payments, order.order_id, order.vendor_store_id)
            except Refused as refused:
                return refused.reason
            return "nothing due"

        with ThreadPoolExecutor(1) as pool:
            with mesh.transaction("finance", _ADMIN) as tx:
                hold_payout(tx, subject.order(uuid.UUID(order.order_id)), reason="fraud?")
                answer = pool.submit(pay)
                wait_for_a_waiter(mesh)
            assert answer.result() in {"PAYOUT_HELD", "nothing due"}

        assert payments.intent(order).status == "settled"

    def test_leaves_the_others_for_the_next_run(
        self, mesh: MeshHarness, payments: Payments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.finance.payouts.usecases.run_payouts.BATCH", 1)
        held = payments.due()
        mesh.clock.advance(timedelta(minutes=1))
        other = payments.due(vendor_store_id=held.vendor_store_id)

        with ThreadPoolExecutor(1) as pool:
            with mesh.transaction("finance", _ADMIN) as tx:
                hold_payout(tx, subject.order(uuid.UUID(held.order_id)), reason="fraud?")
                run = pool.submit(payments.pay, "RunPayouts", vendor_store_id=held.vendor_store_id)
                wait_for_a_waiter(mesh)
            assert (list(run.result().payouts), run.result().has_more) == ([], True)

        (made,) = payments.pay("RunPayouts", vendor_store_id=held.vendor_store_id).payouts
        assert (made.gross_cents, payments.intent(other).status) == (other.total_cents, "paid")

    @pytest.mark.parametrize(
        ("threshold", "reason", "status"),
        [(10**9, "PAYOUT_NOT_DUE", "paid"), (0, "PAYOUT_STATE_INVALID", "settled")],
        ids=["paid", "in a payout that waits"],
    )
    def test_comes_too_late_for_what_was_paid_meanwhile(
        self, mesh: MeshHarness, payments: Payments, threshold: int, reason: str, status: str
    ) -> None:
        order = payments.due()

        def hold() -> str:
            with pytest.raises(Refused) as refused:
                payments.pay("HoldPayout", order_id=order.order_id, reason="fraud?")
            return refused.value.reason

        with ThreadPoolExecutor(1) as pool:
            with mesh.transaction("finance", _ADMIN) as tx:
                terms = PayoutTerms(two_persons_above_cents=threshold)
                confirm_payout(tx, subject.order(uuid.UUID(order.order_id)), reference="", terms=terms)
                answer = pool.submit(hold)
                wait_for_a_waiter(mesh)
            assert answer.result() == reason

        assert (payments.intent(order).status, payments.intent(order).hold_reason) == (status, None)

    def test_keeps_since_when_and_who_gave_the_last_reason(self, mesh: MeshHarness, payments: Payments) -> None:
        order_id = uuid.UUID(payments.due().order_id)
        other = Principal(user_id=uuid.uuid4())

        for who, reason in ((_ADMIN, "fraud?"), (other, "fraud!")):
            with mesh.transaction("finance", who) as tx:
                hold_payout(tx, subject.order(order_id), reason=reason)
        held = mesh.rows("finance", _HOLD, order=order_id)
        with mesh.transaction("finance", other) as tx:
            release_payout(tx, subject.order(order_id), reason="it was not")

        assert [tuple(row) for row in held] == [("fraud!", mesh.clock.now(), other.user_id)]
        assert mesh.rows("finance", _HOLD, order=order_id) == []


_HOLD = """
    SELECT h.reason, h.held_at, h.held_by_user_id FROM payout_holds h JOIN payment_intents i ON i.id = h.intent_id
    WHERE i.subject_id = :order
"""
