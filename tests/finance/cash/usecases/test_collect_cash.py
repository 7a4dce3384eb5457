"""Whoever collects while another collects waits, and hears what the other did."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from meshkit.principal import Principal
from services.finance.cash.usecases.collect_cash import CashCount, collect_cash
from tests.finance.paid_orders import Payments, wait_for_a_waiter
from tests.support.mesh_harness import MeshHarness, Refused


class TestCollectCash:
    def test_tells_whoever_waited_who_has_the_cash(self, mesh: MeshHarness, payments: Payments) -> None:
        order, agent = payments.opened(), uuid.uuid4()
        count = CashCount(
            order_id=uuid.UUID(order.order_id),
            agent_id=agent,
            amount_cents=order.total_cents,
            currency=order.currency,
            order_total_cents=order.total_cents,
            order_version=order.version,
        )

        def collect(who: uuid.UUID) -> str:
            try:
                return payments.collect(order, agent_user_id=str(who)).collected_by_user_id
            except Refused as refused:
                return f"{refused.reason} {refused.metadata['collected_by']}"

        with ThreadPoolExecutor(2) as pool:
            with mesh.transaction("finance", Principal(user_id=agent)) as tx:
                collect_cash(tx, count)
                same, other = pool.submit(collect, agent), pool.submit(collect, uuid.uuid4())
                wait_for_a_waiter(mesh)

            assert same.result() == str(agent)
            assert other.result() == f"CASH_COLLECTED_OTHERWISE {agent}"

        assert payments.events(order).count("cash_collected") == 1
        assert len(payments.postings(order)) == 2
