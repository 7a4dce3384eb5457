"""The payout queue is walked by age, and what keeps an intent from its payout is looked up by its key."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from meshkit.cursor import Cursor, Page
from meshkit.db.tx import Tx
from services.finance.payouts.data import due
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction, plan_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EARLY = Cursor(datetime(2025, 1, 1, 2, tzinfo=UTC), uuid.UUID(int=1))
# One in ten is due, one in a hundred held; every one's cash was collected, and counted.
_FILL = (
    """
    INSERT INTO payment_intents (id, subject_kind, subject_id, subject_number, subject_version, subject_status, buyer_store_id,
        vendor_store_id, vendor_store_name, method, status, amount_cents, fee_basis_points, fee_cents, currency, failure_reason,
        delivered_at, created_at)
    SELECT ('3' || lpad(to_hex(n), 31, '0'))::uuid, 'order', ('3' || lpad(to_hex(n), 31, '0'))::uuid, n, 1, 'delivered',
        gen_random_uuid(), gen_random_uuid(), '', 'cash', CASE n % 10 WHEN 0 THEN 'settled' ELSE 'paid' END, 5, 0, 0, 'USD', '',
        TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 minute', now()
    FROM generate_series(1, 20000) AS n
    """,
    """
    INSERT INTO cash_custodies (intent_id, collected_by_user_id, collected_at, hand_in_id, counted_at)
    SELECT ('3' || lpad(to_hex(n), 31, '0'))::uuid, gen_random_uuid(), now(), gen_random_uuid(), now()
    FROM generate_series(1, 20000) AS n
    """,
    """
    INSERT INTO payout_holds (intent_id, reason, held_at)
    SELECT ('3' || lpad(to_hex(n), 31, '0'))::uuid, 'fraud?', now() FROM generate_series(100, 20000, 100) AS n
    """,
    "ANALYZE payment_intents, cash_custodies, payout_holds",
)
_QUERIES: dict[str, Callable[[Tx], object]] = {
    "first page": lambda tx: due.page_of(tx, Page(25, None), counted_only=True),
    "a later page": lambda tx: due.page_of(tx, Page(25, EARLY), counted_only=False),
    "a run": lambda tx: due.choose(tx, vendor_store_id=None, counted_only=True, minimum_cents=5, limit=100),
    "what is left": lambda tx: due.left(tx, vendor_store_id=None, counted_only=True),
    "what is locked": lambda tx: due.still_due(
        tx, [uuid.UUID(f"3{number:031x}") for number in (10, 100)], counted_only=True
    ),
}


@pytest.fixture(scope="module")
def filled(session_mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction that sees many rows and is rolled back in the end."""
    session_mesh.start("finance")
    url = session_mesh.stack.addresses.database_url("finance", kind="owner")
    with owner_transaction(url, now=NOW) as tx:
        for statement in _FILL:
            tx.execute(text(statement))
        yield tx


class TestPlans:
    @pytest.mark.parametrize("query", list(_QUERIES))
    def test_read_no_table_whole(self, filled: Tx, query: str) -> None:
        plan = plan_of(filled, lambda: _QUERIES[query](filled))

        assert "Seq Scan on payment_intents" not in plan
        assert "Seq Scan on cash_custodies" not in plan
        assert ("payment_intents_payout_due_idx" in plan) == (query != "what is locked")

    def test_leave_out_what_is_held(self, filled: Tx) -> None:
        ids = [uuid.UUID(f"3{number:031x}") for number in (9, 10, 100)]

        assert due.still_due(filled, ids, counted_only=True) == {ids[1]}
