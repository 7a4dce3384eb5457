"""What the database itself refuses, whatever the code says."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from meshkit.db.tx import Tx
from tests.finance.paid_orders import Payments
from tests.support.mesh_harness import MeshHarness

_ENTRY = text(
    "INSERT INTO ledger_entries (id, type, subject_kind, subject_id, cause_type, buyer_store_id, vendor_store_id, actor,"
    " request_id, reference, created_at)"
    " VALUES (:id, :type, :kind, :subject, 'order', :id, :id, 'test', '', '', now())"
)
_ACCOUNT = text(
    "INSERT INTO accounts (id, kind, owner_id, currency, created_at) VALUES (:id, 'vendor_payable', :id, :currency, now())"
)
_POSTINGS = text(
    "INSERT INTO postings (entry_id, position, account_id, amount_cents)"
    " SELECT :entry, p.position, p.account, p.cents"
    " FROM unnest(CAST(:positions AS int[]), CAST(:accounts AS uuid[]), CAST(:cents AS bigint[]))"
    " AS p (position, account, cents)"
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
            tx.execute(_ENTRY, {"id": entry, "type": "vendor_payout", "kind": "order", "subject": entry})
            accounts = [uuid.uuid4() for _ in postings]
            for account, (currency, _) in zip(accounts, postings, strict=True):
                tx.execute(_ACCOUNT, {"id": account, "currency": currency})
            add_postings(tx, entry, accounts, [cents for _, cents in postings])

        assert refused.value.orig.sqlstate == "23514"
        assert mesh.rows("finance", "SELECT 1 FROM ledger_entries WHERE id = :id", id=entry) == []

    @pytest.mark.parametrize("cents", [[1], [1, -1]], ids=["one", "two that balance"])
    def test_refuses_postings_added_to_an_entry(self, mesh: MeshHarness, payments: Payments, cents: list[int]) -> None:
        order = payments.collected()
        found = mesh.rows(
            "finance",
            "SELECT p.entry_id, p.account_id FROM postings p JOIN ledger_entries e ON e.id = p.entry_id"
            " WHERE e.subject_id = CAST(:id AS uuid)",
            id=order.order_id,
        )[0]

        with pytest.raises(DBAPIError, match="has its postings already"), mesh.transaction("finance") as tx:
            add_postings(tx, found.entry_id, [found.account_id for _ in cents], cents, first=8)

        assert [posting[4] for posting in payments.postings(order)] == [12_345, -12_345]

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({}, "ledger_entries_collection_key"),
            ({"kind": None}, "ledger_entries_subject_check"),
            ({"kind": "support"}, "ledger_entries_subject_kind_check"),
            ({"kind": None, "subject": None}, "ledger_entries_cause_check"),
        ],
        ids=["second collection", "id without kind", "kind that nobody looks after", "neither subject nor cause"],
    )
    def test_refuses_an_entry(
        self, mesh: MeshHarness, payments: Payments, changes: dict[str, object], constraint: str
    ) -> None:
        order = payments.collected()
        entry = {"id": uuid.uuid4(), "type": "cash_collected", "kind": "order", "subject": uuid.UUID(order.order_id)}

        with pytest.raises(DBAPIError, match=constraint), mesh.transaction("finance") as tx:
            tx.execute(_ENTRY, {**entry, **changes})

        assert len(payments.postings(order)) == 2


def add_postings(tx: Tx, entry: uuid.UUID, accounts: list[uuid.UUID], cents: list[int], *, first: int = 0) -> None:
    """Insert postings with one statement."""
    positions = list(range(first, first + len(cents)))
    tx.execute(_POSTINGS, {"entry": entry, "positions": positions, "accounts": accounts, "cents": cents})
