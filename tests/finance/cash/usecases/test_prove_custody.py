"""The prover names every lie about cash that was handed in. Lies are told as the owner, triggers off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from meshkit.db.tx import Tx
from services.finance.cash.usecases.prove_custody import prove_custody
from tests.finance.cash_desk import CashDesk
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

_HANDED_IN = "(SELECT id FROM ledger_entries WHERE subject_id = CAST(:order AS uuid) AND type = 'cash_handed_in')"
_INTENT = "(SELECT id FROM payment_intents WHERE subject_id = CAST(:order AS uuid))"

# What is done to an order of 123.45 that was counted as 122.45, with its mismatch open, and what the prover says of it.
_LIES = {
    "less posted than was counted": (
        [f"UPDATE postings SET amount_cents = amount_cents / 5 WHERE entry_id = {_HANDED_IN}"],
        [
            "cash of order {order}: 2449 handed in and 0 written off, 12245 and 0 expected",
            "agent {agent} holds 9896 USD, 100 expected",
        ],
    ),
    "another count": (
        ["UPDATE cash_counts SET counted_cents = 12345 WHERE order_id = CAST(:order AS uuid)"],
        [
            "cash of order {order}: 12245 handed in and 0 written off, 12345 and 0 expected",
            "agent {agent} holds 100 USD, 0 expected",
            "hand-in {hand_in} is mismatched, 12345 declared, 12245 counted; its orders say mismatched, 12345, 12345",
        ],
    ),
    "written off and not posted": (
        ["UPDATE cash_mismatches SET written_off_cents = 100 WHERE order_id = CAST(:order AS uuid)"],
        [
            "cash of order {order}: 12245 handed in and 0 written off, 12245 and 100 expected",
            "agent {agent} holds 100 USD, 0 expected",
        ],
    ),
    "payout let go": (
        [f"UPDATE cash_custodies SET mismatch_id = NULL WHERE intent_id = {_INTENT}"],
        ["payment of order {order} is kept back for mismatch None, open is {mismatch}"],
    ),
    "another mismatch": (
        [f"UPDATE cash_custodies SET mismatch_id = CAST(:order AS uuid) WHERE intent_id = {_INTENT}"],
        ["payment of order {order} is kept back for mismatch {order}, open is {mismatch}"],
    ),
    "cash that says it is still carried": (
        [f"UPDATE cash_custodies SET hand_in_id = NULL WHERE intent_id = {_INTENT}"],
        ["cash of order {order} says hand-in None, counted True; declared in {hand_in}, counted True"],
    ),
    "cash that says it is not counted": (
        [f"UPDATE cash_custodies SET counted_at = NULL WHERE intent_id = {_INTENT}"],
        ["cash of order {order} says hand-in {hand_in}, counted False; declared in {hand_in}, counted True"],
    ),
    "a hand-in that says it fits": (
        ["UPDATE cash_hand_ins SET status = 'matched' WHERE id = CAST(:hand_in AS uuid)"],
        ["hand-in {hand_in} is matched, 12345 declared, 12245 counted; its orders say mismatched, 12345, 12245"],
    ),
    "another agent": (
        [f"UPDATE cash_custodies SET collected_by_user_id = CAST(:order AS uuid) WHERE intent_id = {_INTENT}"],
        ["agent {agent} holds 100 USD, 0 expected", "agent {order} holds 0 USD, 100 expected"],
    ),
}


@pytest.fixture
def owner(mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction of the owner in which no trigger fires; nothing of it stays."""
    mesh.start("finance")
    url = mesh.stack.addresses.database_url("finance", kind="owner")
    with owner_transaction(url, now=mesh.clock.now()) as tx:
        for table in ("postings", "cash_counts"):
            tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield tx


@pytest.fixture
def names(desk: CashDesk) -> dict[str, str]:
    """Return the ids of an order whose cash was counted wrong, of its hand-in, agent and mismatch."""
    order, mismatch_id = desk.mismatched(counted=12_245)
    hand_in = desk.payments.intent(order).hand_in_id
    return {"order": order.order_id, "hand_in": str(hand_in), "agent": str(desk.agent), "mismatch": mismatch_id}


class TestProveCustody:
    def test_is_silent_about_true_hand_ins(self, mesh: MeshHarness, desk: CashDesk) -> None:
        desk.collected()
        desk.declare(desk.collected())
        desk.count(desk.declare(desk.collected()))
        desk.mismatched()
        desk.resolve(desk.mismatched()[1], recovered_cents=7)

        with mesh.transaction("finance") as tx:
            assert prove_custody(tx) == []

    @pytest.mark.parametrize("lie", list(_LIES))
    def test_names_a_lie(self, names: dict[str, str], owner: Tx, lie: str) -> None:
        statements, expected = _LIES[lie]

        for statement in statements:
            used = {name: value for name, value in names.items() if f":{name}" in statement}
            owner.execute(text(statement), used)

        assert sorted(prove_custody(owner)) == sorted(line.format(**names) for line in expected)
