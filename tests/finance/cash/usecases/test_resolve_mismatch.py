"""A mismatch that is resolved while somebody pays its order, and one whose intent is gone."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from meshkit.call import Call
from meshkit.principal import Principal
from services.finance.cash.usecases.count_hand_in import Count, count_hand_in
from services.finance.cash.usecases.resolve_mismatch import Resolution, resolve_mismatch
from tests.finance.cash_desk import COST, CashDesk
from tests.finance.paid_orders import wait_for_a_waiter
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction

_SUPERVISOR = Principal(user_id=uuid.uuid4())
_GONE = (
    "DELETE FROM cash_custodies WHERE intent_id = (SELECT id FROM payment_intents WHERE subject_id = CAST(:order AS uuid))",
    "DELETE FROM payment_intents WHERE subject_id = CAST(:order AS uuid)",
)


def _resolution(mismatch_id: str) -> Resolution:
    return Resolution(uuid.UUID(mismatch_id), recovered_cents=0, currency="USD", reason="nobody knows")


class TestResolveMismatch:
    def test_lets_whoever_waited_for_it_pay(self, mesh: MeshHarness, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched()

        with ThreadPoolExecutor(1) as pool:
            with mesh.transaction("finance", _SUPERVISOR) as tx:
                resolve_mismatch(tx, _resolution(mismatch_id), two_persons_above_cents=COST)
                # A run does not wait for it: it pays what is due now.
                run = desk.payments.pay("RunPayouts", vendor_store_id=order.vendor_store_id)
                confirmed = pool.submit(desk.payments.confirm, order.order_id)
                wait_for_a_waiter(mesh)
            assert (list(run.payouts), run.has_more) == ([], False)
            assert confirmed.result().payout_id

        assert desk.payments.intent(order).status == "paid"
        assert desk.payments.events(order).count("order_paid") == 1

    def test_of_an_order_without_intent_is_a_defect(self, mesh: MeshHarness, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched()
        hand_in = desk.declare(desk.collected())
        url = mesh.stack.addresses.database_url("finance", kind="owner")

        with owner_transaction(url, now=mesh.clock.now()) as owner:
            tx = replace(owner, call=Call(principal=_SUPERVISOR))
            for order_id in (order.order_id, hand_in.items[0].order_id):
                for statement in _GONE:
                    tx.execute(text(statement), {"order": order_id})

            with pytest.raises(AssertionError, match="no intent is ever deleted"):
                resolve_mismatch(tx, _resolution(mismatch_id), two_persons_above_cents=COST)
            counts = [(uuid.UUID(item.order_id), item.declared_cents) for item in hand_in.items]
            with pytest.raises(AssertionError, match="no intent is ever deleted"):
                count_hand_in(tx, Count(uuid.UUID(hand_in.hand_in_id), currency="USD", counts=counts))
