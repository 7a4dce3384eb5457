"""What a service's role may do with its tables is what the service's statements do, and no more."""

from __future__ import annotations

import importlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.tools.contracts import services_present
from services.finance.schema.payments import payment_intents
from tests.support.mesh_harness import MeshHarness
from tests.support.table_use import needed_rights

_GRANTED = """
    SELECT t.tablename AS name, r.name AS granted
    FROM pg_tables t CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS r (name)
    WHERE t.schemaname = 'public' AND (
        has_table_privilege(current_user, 'public.' || quote_ident(t.tablename), r.name)
        OR (r.name = 'UPDATE' AND has_any_column_privilege(current_user, 'public.' || quote_ident(t.tablename), r.name)))
"""
# What money and papers are called by, and how much they are, is written once. A lock needs the right on one column at least.
_CHANGEABLE = {
    ("commerce", "order_settlements"): {"refunded_cents", "credited_cents", "vendor_paid_at", "payout_returned_at"},
    ("commerce", "order_delivery_steps"): {"delivered_by"},
    ("finance", "accounts"): {"id"},
    ("finance", "payouts"): {"status", "paid_at", "netted_cents", "reference"},
    ("finance", "payout_items"): {"active"},
    ("finance", "cash_mismatches"): {
        "resolved_at",
        "resolved_by_user_id",
        "reason",
        "recovered_cents",
        "written_off_cents",
    },
    ("finance", "cash_hand_ins"): {"status", "counted_cents", "counted_at", "counted_by_user_id"},
    ("finance", "cash_custodies"): {"hand_in_id", "counted_at", "mismatch_id"},
    ("finance", "payout_holds"): {"reason", "held_by_user_id"},
    ("finance", "holds"): {"status", "entry_id", "changed_at"},
    ("identity", "licenses"): {"status", "reason", "decided_at"},
    ("identity", "users"): {"last_login_at"},
    ("identity", "sessions"): {"active_store_id", "not_before", "ended_at", "end_reason"},
    ("identity", "refresh_tokens"): {"rotated_at"},
}
_ONCE = {
    "id",
    "subject_kind",
    "subject_id",
    "subject_number",
    "buyer_store_id",
    "vendor_store_id",
    "method",
    "fee_basis_points",
    "currency",
    "created_at",
}
_COLUMNS = """
    SELECT column_name AS name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = :name
      AND has_column_privilege(current_user, 'public.' || quote_ident(table_name), column_name, 'UPDATE')
"""


class TestGrants:
    @pytest.mark.parametrize("service", services_present())
    def test_of_changing_and_deleting_are_those_that_statements_need(self, mesh: MeshHarness, service: str) -> None:
        mesh.start(service)
        tables = set(importlib.import_module(f"services.{service}.schema").metadata.tables)
        granted: dict[str, set[str]] = {table: set() for table in (*tables, "alembic_version")}
        for row in mesh.rows(service, _GRANTED):
            granted[row.name].add(row.granted)

        assert granted == {**needed_rights(service, tables), "alembic_version": set()}

    @pytest.mark.parametrize(("service", "table"), _CHANGEABLE)
    def test_of_what_is_written_once_are_of_single_columns(self, mesh: MeshHarness, service: str, table: str) -> None:
        mesh.start(service)

        assert {row.name for row in mesh.rows(service, _COLUMNS, name=table)} == _CHANGEABLE[service, table]

    def test_of_an_intent_leave_its_subject_parties_and_terms(self, mesh: MeshHarness) -> None:
        mesh.start("finance")

        changeable = {row.name for row in mesh.rows("finance", _COLUMNS, name="payment_intents")}

        assert changeable == {column.name for column in payment_intents.c} - _ONCE

    @pytest.mark.parametrize("service", services_present())
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_chain SET hash = ''",
            "DELETE FROM audit_chain",
            "TRUNCATE audit_chain",
            "UPDATE audit_log SET actor = 'me'",
            "DELETE FROM audit_log",
        ],
    )
    def test_of_the_audit_log_and_its_chain_are_to_append(
        self, mesh: MeshHarness, service: str, statement: str
    ) -> None:
        mesh.start(service)

        with pytest.raises(DBAPIError) as refused, mesh.transaction(service) as tx:
            tx.execute(text(statement))

        assert refused.value.orig is not None
        assert refused.value.orig.sqlstate == "42501"  # type: ignore[attr-defined]
