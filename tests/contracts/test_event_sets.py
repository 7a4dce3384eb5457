"""What a checkout tells is handled in sets: the statements of a batch do not grow with it."""

from __future__ import annotations

import pytest

from tests.finance.snapshots import created, order_snapshot
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import recorded_statements

_EFFECTS = {
    "finance": "SELECT 1 FROM payment_intents WHERE subject_id = ANY(CAST(:ids AS uuid[]))",
    "identity": "SELECT 1 FROM notifications WHERE link = ANY(SELECT '/orders/' || id FROM unnest(CAST(:ids AS text[])) AS id)",
    "analytics": "SELECT 1 FROM warehouse_rows WHERE row ->> 'order_id' = ANY(:ids)",
}


class TestOrderCreated:
    @pytest.mark.parametrize("service", list(_EFFECTS))
    @pytest.mark.parametrize("count", [1, 2, 30])
    def test_many_cost_one_statement_beside_the_inbox(self, mesh: MeshHarness, service: str, count: int) -> None:
        orders = [order_snapshot() for _ in range(count)]

        with recorded_statements(mesh.process(service).database) as sessions:
            mesh.deliver_together(service, [created(order) for order in orders])

        statements = [statement for session in sessions for statement in session if "inbox" not in statement]
        assert len(statements) == 1
        assert len(mesh.rows(service, _EFFECTS[service], ids=[order.order_id for order in orders])) == count
