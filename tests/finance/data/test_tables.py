"""What the database itself refuses, whatever the code says."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.finance.payments import Payments
from tests.support.mesh_harness import MeshHarness

_ENTRY = text(
    "INSERT INTO ledger_entries (id, type, order_id, buyer_store_id, vendor_store_id, actor, request_id, reference,"
    " created_at) VALUES (:id, 'vendor_payout', :id, :id, :id, 'test', '', '', now())"
)
_ACCOUNT = text(
    "INSERT INTO accounts (id, kind, owner_id, currency, created_at) VALUES (:id, 'vendor_payable', :id, :currency, now())"
)
_POSTING = text(
    "INSERT INTO postings (entry_id, position, account_id, amount_cents) VALUES (:entry, :position, :account, :cents)"
)

_COLUMN = {
    "postings": "amount_cents",
    "account_snapshots": "balance_cents",
    "period_closings": "reason",
    "ledger_proofs": "problems",
    "payout_decisions": "reason",
    "reconciliations": "file_name",
    "cash_declarations": "declared_cents",
    "cash_counts": "counted_cents",
}


class TestAppendOnly:
    @pytest.mark.parametrize(
        "table",
        [
            "ledger_entries",
            "postings",
            "audit_log",
            "account_snapshots",
            "period_closings",
            "ledger_proofs",
            "payout_decisions",
            "reconciliations",
            "cash_declarations",
            "cash_counts",
        ],
    )
    @pytest.mark.parametrize(
        "statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE"]
    )
    def test_gives_the_service_no_way_to_change_a_row(
        self, mesh: MeshHarness, payments: Payments, table: str, statement: str
    ) -> None:
        order = payments.collected()
        column = _COLUMN.get(table, "request_id")

        with pytest.raises(DBAPIError) as refused, mesh.transaction("finance") as tx:
            tx.execute(text(statement.format(table=table, column=column)))

        assert refused.value.orig.sqlstate == "42501"
        assert [posting[4] for posting in payments.postings(order)] == [12_345, -12_345]


class TestBalanceTrigger:
    @pytest.mark.parametrize(
        ("postings", "message"),
        [
            ([], "fewer than two postings"),
            ([("USD", 5)], "fewer than two postings"),
            ([("USD", 5), ("USD", -4)], "is not balanced"),
            ([("USD", 5), ("EUR", -5)], "is not balanced"),
        ],
        ids=["empty", "one side", "one cent short", "two currencies"],
    )
    def test_refuses_the_commit_of_an_entry_that_does_not_balance(
        self, mesh: MeshHarness, postings: list[tuple[str, int]], message: str
    ) -> None:
        entry = uuid.uuid4()

        with pytest.raises(DBAPIError, match=message) as refused, mesh.transaction("finance") as tx:  # noqa: PT012
            tx.execute(_ENTRY, {"id": entry})
            for position, (currency, cents) in enumerate(postings):
                account = uuid.uuid4()
                tx.execute(_ACCOUNT, {"id": account, "currency": currency})
                tx.execute(_POSTING, {"entry": entry, "position": position, "account": account, "cents": cents})

        assert refused.value.orig.sqlstate == "23514"
        assert mesh.rows("finance", "SELECT 1 FROM ledger_entries WHERE id = :id", id=entry) == []

    def test_refuses_a_posting_added_to_a_balanced_entry(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.collected()
        found = mesh.rows(
            "finance",
            "SELECT p.entry_id, p.account_id FROM postings p JOIN ledger_entries e ON e.id = p.entry_id"
            " WHERE e.order_id = CAST(:id AS uuid)",
            id=order.order_id,
        )[0]

        with pytest.raises(DBAPIError, match="is not balanced"), mesh.transaction("finance") as tx:
            tx.execute(_POSTING, {"entry": found.entry_id, "position": 9, "account": found.account_id, "cents": 1})

        assert [posting[4] for posting in payments.postings(order)] == [12_345, -12_345]

    def test_refuses_a_second_entry_of_a_type(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.collected()

        with (
            pytest.raises(DBAPIError, match="ledger_entries_order_id_type_key"),
            mesh.transaction("finance") as tx,
        ):
            tx.execute(
                text(
                    "INSERT INTO ledger_entries (id, type, order_id, buyer_store_id, vendor_store_id, actor, request_id,"
                    " reference, created_at) VALUES (:id, 'cash_collected', CAST(:order AS uuid), :id, :id, 'test', '',"
                    " '', now())"
                ),
                {"id": uuid.uuid4(), "order": order.order_id},
            )

        assert len(payments.postings(order)) == 2
