"""What a vendor owes is kept back once, however many of its payouts are made at once."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from meshkit.principal import Principal
from services.finance.ledger.domain import subject
from services.finance.payouts.domain.payout import PayoutTerms
from services.finance.payouts.usecases.confirm_payout import confirm_payout
from tests.finance.paid_orders import Payments, wait_for_a_waiter
from tests.support.mesh_harness import MeshHarness


class TestNetDebts:
    def test_is_kept_back_by_one_of_two_payouts_at_once(self, mesh: MeshHarness, payments: Payments) -> None:
        vendor = str(uuid.uuid4())
        first, second, third = (payments.due(vendor_store_id=vendor) for _ in range(3))
        payments.confirm(first.order_id)
        payments.pay("RefundOrder", order_id=first.order_id, amount_cents=5_000, currency="USD", reason="late")
        assert payments.balance("vendor_receivable", vendor) == 5_000

        with ThreadPoolExecutor(1) as pool:
            with mesh.transaction("finance", Principal(user_id=uuid.uuid4())) as tx:
                terms = PayoutTerms(two_persons_above_cents=10**9)
                confirm_payout(tx, subject.order(uuid.UUID(second.order_id)), reference="", terms=terms)
                other = pool.submit(payments.confirm, third.order_id)
                wait_for_a_waiter(mesh)
            other.result()

        sql = "SELECT netted_cents FROM payouts WHERE vendor_store_id = CAST(:vendor AS uuid) ORDER BY created_at, id"
        assert [row.netted_cents for row in mesh.rows("finance", sql, vendor=vendor)] == [0, 5_000, 0]
        assert payments.balance("vendor_receivable", vendor) == 0
