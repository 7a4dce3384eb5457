"""What is kept from payouts while somebody waits to pay it is not paid."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from meshkit.principal import Principal
from services.finance.ledger.domain import subject
from services.finance.payouts.usecases.keep_from_payout import hold_payout, release_payout
from tests.finance.paid_orders import Payments
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
                _wait_for_a_waiter(mesh)
            assert answer.result() in {"PAYOUT_HELD", "nothing due"}

        assert payments.intent(order).status == "settled"

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


def _wait_for_a_waiter(mesh: MeshHarness) -> None:
    deadline = time.monotonic() + 5
    while not mesh.rows("finance", "SELECT 1 FROM pg_locks WHERE NOT granted"):
        assert time.monotonic() < deadline, "nobody waits"
