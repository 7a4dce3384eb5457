"""The lists of cash custody find their rows by an index."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from meshkit.cursor import Cursor, Page
from meshkit.db.tx import Tx
from services.finance.cash.data import cash, cash_mismatches, custodies
from services.finance.ledger.domain.subject import SubjectKind
from services.finance.payments.data import intents
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction, plan_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AGENT = uuid.UUID(int=7)
# Nearly everything comes after it, and nearly everything before.
EARLY = Cursor(datetime(2025, 1, 1, 2, tzinfo=UTC), uuid.UUID(int=1))
LATE = Cursor(NOW, uuid.UUID(int=1))
# Of 20 agents' orders one in five is not declared yet, one in a hundred hand-ins waits, one in ten mismatches is open.
_FILL = (
    """
    INSERT INTO payment_intents (id, subject_kind, subject_id, subject_number, subject_version, subject_status, buyer_store_id,
        vendor_store_id, vendor_store_name, method, status, amount_cents, fee_basis_points, fee_cents, currency, failure_reason,
        created_at)
    SELECT ('1' || lpad(to_hex(n), 31, '0'))::uuid, 'order', lpad(to_hex(n), 32, '0')::uuid, n, 1, 'delivered',
        gen_random_uuid(), gen_random_uuid(), '', 'cash', 'settled', 5, 0, 0, 'USD', '', now()
    FROM generate_series(1, 5000) AS n;
    """,
    """
    INSERT INTO cash_custodies (intent_id, collected_by_user_id, collected_at, hand_in_id)
    SELECT ('1' || lpad(to_hex(n), 31, '0'))::uuid, lpad(to_hex(n % 20), 32, '0')::uuid,
        TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 minute',
        CASE n % 5 WHEN 2 THEN NULL ELSE ('2' || lpad(to_hex(n), 31, '0'))::uuid END
    FROM generate_series(1, 5000) AS n;
    """,
    "INSERT INTO cash_stations (id, name, created_at) VALUES ('00000000-0000-0000-0000-0000000000aa', 'plans', now())",
    """
    INSERT INTO cash_hand_ins (id, agent_user_id, station_id, status, currency, declared_cents, counted_cents, declared_at,
        counted_at, counted_by_user_id)
    SELECT ('2' || lpad(to_hex(n), 31, '0'))::uuid, lpad(to_hex(n % 20), 32, '0')::uuid, '00000000-0000-0000-0000-0000000000aa',
        CASE n % 100 WHEN 0 THEN 'declared' ELSE 'resolved' END, 'USD', 5, CASE n % 100 WHEN 0 THEN NULL ELSE 5 END,
        TIMESTAMPTZ '2025-01-01 UTC' + n * interval '1 minute', CASE n % 100 WHEN 0 THEN NULL ELSE now() END,
        CASE n % 100 WHEN 0 THEN NULL ELSE gen_random_uuid() END
    FROM generate_series(1, 5000) AS n;
    """,
    """
    INSERT INTO cash_declarations SELECT ('2' || lpad(to_hex(n), 31, '0'))::uuid, lpad(to_hex(n), 32, '0')::uuid, n, 5, 5
    FROM generate_series(1, 5000) AS n;
    """,
    """
    INSERT INTO cash_counts SELECT ('2' || lpad(to_hex(n), 31, '0'))::uuid, lpad(to_hex(n), 32, '0')::uuid, 4
    FROM generate_series(1, 5000) AS n WHERE n % 100 > 0;
    """,
    """
    INSERT INTO cash_mismatches (id, hand_in_id, order_id, agent_user_id, found_at, resolved_at, resolved_by_user_id, reason)
    SELECT gen_random_uuid(), hand_in_id, order_id, gen_random_uuid(), now(), t, CASE WHEN t IS NULL THEN NULL ELSE hand_in_id END,
        CASE WHEN t IS NULL THEN '' ELSE 'x' END
    FROM (SELECT *, CASE WHEN random() < 0.1 THEN NULL ELSE now() END AS t FROM cash_counts) c
    WHERE hand_in_id <= '20000000-0000-0000-0000-00000000ffff' AND hand_in_id >= '20000000-0000-0000-0000-000000000000';
    """,
    "ANALYZE payment_intents, cash_custodies, cash_hand_ins, cash_declarations, cash_counts, cash_mismatches",
)


@pytest.fixture(scope="module")
def filled(session_mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction that sees many rows and is rolled back in the end."""
    session_mesh.start("finance")
    url = session_mesh.stack.addresses.database_url("finance", kind="owner")
    with owner_transaction(url, now=NOW) as tx:
        for statement in _FILL:
            tx.execute(text(statement))
        yield tx


@pytest.mark.parametrize("is_first", [True, False])
class TestPlans:
    def test_held_cash_walks_what_the_agent_carries(self, filled: Tx, *, is_first: bool) -> None:
        plan = plan_of(filled, lambda: custodies.page_of_held(filled, AGENT, Page(25, None if is_first else EARLY)))

        assert "cash_custodies_held_idx" in plan
        assert "Sort" not in plan

    def test_an_agents_hand_ins_walk_its_own(self, filled: Tx, *, is_first: bool) -> None:
        plan = plan_of(filled, lambda: cash.page_of_agent(filled, AGENT, Page(25, None if is_first else LATE)))

        assert "cash_hand_ins_agent_idx" in plan
        assert "Sort" not in plan

    def test_what_waits_to_be_counted_is_walked_by_age(self, filled: Tx, *, is_first: bool) -> None:
        plan = plan_of(
            filled, lambda: cash.page_of(filled, status="declared", page=Page(25, None if is_first else EARLY))
        )

        assert "Index Scan using cash_hand_ins_" in plan
        assert "Sort" not in plan

    def test_the_mismatch_queue_walks_open_ones_by_age(self, filled: Tx, *, is_first: bool) -> None:
        plan = plan_of(filled, lambda: cash_mismatches.page_of_open(filled, Page(25, None if is_first else EARLY)))

        assert "cash_mismatches_open_idx" in plan
        assert "Seq Scan on cash_mismatches" not in plan


class TestLocks:
    def test_intents_are_locked_in_one_order(self, filled: Tx) -> None:
        ids = [uuid.UUID(f"{number:032x}") for number in (9, 3, 5)]

        rows = intents.lock_subjects(filled, SubjectKind.ORDER, ids)

        assert [row.id for row in rows] == sorted(row.id for row in rows)
