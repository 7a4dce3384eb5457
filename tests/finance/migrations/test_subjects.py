"""What is paid for becomes a subject, and an order again, with everything that finance keeps."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from meshkit.db import migrate
from services.finance.proofs.usecases.prove_money import prove_money
from tests.finance.books import Books
from tests.finance.cash_desk import CashDesk
from tests.finance.paid_orders import Payments
from tests.support.database_copy import database_copy, running_on
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction

_COPIED = "subjects_copy"
# What 0013 to 0015 touch, as code of today reads it and as code of before did.
_TODAY = ("SELECT * FROM payment_intents", "SELECT * FROM cash_custodies", "SELECT * FROM payout_holds")
_BEFORE = "SELECT * FROM payment_intents"
_ITEMS = """
    SELECT p.payout_id, i.subject_id, i.subject_number, p.amount_cents, p.active
    FROM payout_items p JOIN payment_intents i ON i.id = p.intent_id ORDER BY 1, 2
"""
_ENTRIES = (
    "SELECT subject_kind, id, type, key, subject_id, cause_type, cause_id, effective_on FROM ledger_entries ORDER BY id"
)
_ENTRIES_BEFORE = "SELECT id, type, key, order_id, cause_type, cause_id, effective_on FROM ledger_entries ORDER BY id"
_ITEMS_BEFORE = "SELECT payout_id, order_id, order_number, amount_cents, active FROM payout_items ORDER BY 1, 2"


@dataclass(frozen=True)
class Copy:
    """A database of its own with what finance keeps, and nobody connected."""

    url: str
    mesh: MeshHarness
    # An order that is held as it would be through the gateway: with rows in the audit log.
    held_order_id: str

    def rows(self, statement: str) -> dict[uuid.UUID, dict[str, object]]:
        """Return rows as documents, by the id of the intent."""
        with owner_transaction(self.url, now=self.mesh.clock.now()) as tx:
            found = [dict(row._mapping) for row in tx.execute(text(statement))]  # noqa: SLF001
        return {row.get("intent_id") or row["id"]: row for row in found}  # type: ignore[misc]

    def listed(self, statement: str) -> list[tuple[object, ...]]:
        """Return rows in their order."""
        with owner_transaction(self.url, now=self.mesh.clock.now()) as tx:
            return [tuple(row) for row in tx.execute(text(statement))]

    def problems(self) -> list[str]:
        """Return what the prover says."""
        with owner_transaction(self.url, now=self.mesh.clock.now()) as tx:
            return prove_money(tx)


@pytest.fixture
def copied(mesh: MeshHarness, desk: CashDesk, payments: Payments) -> Iterator[Copy]:
    """Fill finance with money in every state; return a copy of its database."""
    held_order_id = _fill(desk, payments)
    with database_copy(mesh.stack.addresses.superuser_dsn, "finance", _COPIED) as url:
        yield Copy(url, mesh, held_order_id)


def _fill(desk: CashDesk, payments: Payments) -> str:
    Books(desk.mesh).owed()
    payments.opened()
    payments.failed()
    desk.collected()
    desk.declare(desk.collected())
    desk.count(desk.declare(desk.collected()))
    desk.mismatched()
    desk.resolve(desk.mismatched()[1], recovered_cents=7)
    paid = payments.due().order_id
    payments.pay("ReturnPayout", payout_id=payments.confirm(paid).payout_id, reason="closed")
    payments.confirm(paid)
    payments.pay("RefundOrder", order_id=payments.due().order_id, amount_cents=5, currency="USD", reason="late")
    held = payments.due().order_id
    payments.pay("HoldPayout", order_id=held, reason="fraud?")
    payments.pay("ReleasePayout", order_id=held, reason="no")
    for reason in ("fraud, now?", "fraud!"):
        desk.mesh.clock.advance(timedelta(minutes=1))
        admin = desk.mesh.admin_token(uuid.uuid4())
        payments.pay("HoldPayout", admin=admin, order_id=held, reason=reason)
    return held


class TestSubjects:
    def test_go_down_and_up_with_everything_that_is_kept(self, copied: Copy) -> None:
        intents, custodies, holds = (copied.rows(statement) for statement in _TODAY)
        items, entries = copied.listed(_ITEMS), copied.listed(_ENTRIES)
        assert copied.problems() == []

        migrate.downgrade(service="finance", url=copied.url, revision="0012")
        before, items_before = copied.rows(_BEFORE), copied.listed(_ITEMS_BEFORE)
        entries_before = copied.listed(_ENTRIES_BEFORE)
        migrate.upgrade(service="finance", url=copied.url)

        after = [copied.rows(statement) for statement in _TODAY]
        assert after[:2] == [intents, custodies]
        assert items == items_before == copied.listed(_ITEMS)
        assert items
        assert entries == copied.listed(_ENTRIES)
        assert [entry[1:] for entry in entries] == entries_before
        assert {(entry[0], entry[4] is not None) for entry in entries} == {("order", True), (None, False)}
        assert {intent_id: row["reason"] for intent_id, row in after[2].items()} == {
            intent_id: row["reason"] for intent_id, row in holds.items()
        }
        (held,) = (row["id"] for row in intents.values() if str(row["subject_id"]) == copied.held_order_id)
        assert after[2][held] == holds[held]
        assert copied.problems() == []
        assert before == {
            intent_id: _of_before(row, custodies.get(intent_id, {}), holds.get(intent_id, {}))
            for intent_id, row in intents.items()
        }
        shapes = {tuple(name for name in row if row[name] is not None) for row in custodies.values()}
        assert len(shapes) >= 4, "carried, declared, counted, open mismatch"

    @pytest.mark.parametrize("table", ["payment_intents", "ledger_entries"])
    def test_of_something_else_than_orders_do_not_go_down(self, copied: Copy, table: str) -> None:
        with psycopg.connect(_plain(copied.url)) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_subject_kind_check")
            connection.execute(f"UPDATE {table} SET subject_kind = 'support' WHERE subject_kind IS NOT NULL")

        with pytest.raises(migrate.MigrationRefused, match="something else than orders is paid for"):
            migrate.downgrade(service="finance", url=copied.url, revision="0012")

    def test_are_refused_while_finance_runs(self, mesh: MeshHarness, copied: Copy) -> None:
        with (
            running_on(mesh.stack.addresses.superuser_dsn, copied.url),
            pytest.raises(migrate.MigrationRefused, match="is still running"),
        ):
            migrate.downgrade(service="finance", url=copied.url, revision="0012")


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _of_before(row: dict[str, object], custody: dict[str, object], hold: dict[str, object]) -> dict[str, object]:
    assert row["subject_kind"] == "order"
    named = {name.replace("subject_", "order_"): value for name, value in row.items() if name != "subject_kind"}
    return {
        **named,
        "collected_by_user_id": custody.get("collected_by_user_id"),
        "cash_collected_at": custody.get("collected_at"),
        "hand_in_id": custody.get("hand_in_id"),
        "cash_counted_at": custody.get("counted_at"),
        "cash_mismatch_id": custody.get("mismatch_id"),
        "payout_hold_reason": hold.get("reason", ""),
    }
