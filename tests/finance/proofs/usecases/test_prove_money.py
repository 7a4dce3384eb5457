"""The prover is silent about a true ledger and names every kind of lie. Lies are told as the owner, triggers off."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from meshkit.db.tx import Tx
from services.finance.payments.usecases.open_intents import open_intents
from services.finance.proofs.usecases.prove_money import prove_money
from tests.finance.paid_orders import Payments
from tests.finance.snapshots import order_snapshot
from tests.support.mesh_harness import MeshHarness
from tests.support.statements import owner_transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENTRY_OF = "(SELECT id FROM ledger_entries WHERE subject_id = CAST(:order AS uuid) AND type = '{type}')"
_PAID_ENTRY = _ENTRY_OF.format(type="vendor_payout")
_CASH_ENTRY = _ENTRY_OF.format(type="cash_collected")
_INTENT = "UPDATE payment_intents SET {change} WHERE subject_id = CAST(:order AS uuid)"

# What is done to a paid order's books, and what the prover says of it.
_LIES = {
    "one cent more on one side": (
        [f"UPDATE postings SET amount_cents = amount_cents + 1 WHERE position = 0 AND entry_id = {_CASH_ENTRY}"],
        [
            "entry {cash} sums to 1 USD",
            "the ledger sums to 1 USD",
            "order {order}: 12346 collected, 12345 expected",
            "agent {agent} holds 12346 USD, 12345 expected",
        ],
    ),
    "both sides of another sum": (
        [f"UPDATE postings SET amount_cents = amount_cents * 2 WHERE entry_id = {_CASH_ENTRY}"],
        [
            "agent {agent} holds 24690 USD, 12345 expected",
            "order {order}: 24690 collected, 12345 expected",
            "order {order}: 2470 of fees posted, 1235 expected",
        ],
    ),
    "one posting lost": (
        [f"DELETE FROM postings WHERE position = 1 AND entry_id = {_PAID_ENTRY}"],
        [
            "entry {paid} sums to 11110 USD",
            "entry {paid} has fewer than two postings",
            "the ledger sums to 11110 USD",
            "order {order}: 0 paid out, 11110 expected",
            "payout {payout}: 11110 of 11110 listed, 0 transferred, 11110 expected",
        ],
    ),
    "entry without postings": (
        [f"DELETE FROM postings WHERE entry_id = {_PAID_ENTRY}"],
        [
            "entry {paid} has fewer than two postings",
            "order {order}: 0 paid out, 11110 expected",
            "payout {payout}: 11110 of 11110 listed, 0 transferred, 11110 expected",
        ],
    ),
    "payout never posted": (
        [
            f"DELETE FROM postings WHERE entry_id = {_PAID_ENTRY}",
            "DELETE FROM ledger_entries WHERE subject_id = CAST(:order AS uuid) AND type = 'vendor_payout'",
        ],
        [
            "order {order}: 0 paid out, 11110 expected",
            "payout {payout}: 11110 of 11110 listed, 0 transferred, 11110 expected",
        ],
    ),
    "refund never posted": (
        [_INTENT.format(change="refunded_cents = 5")],
        ["order {order}: 0 refunded, 5 expected"],
    ),
    "another sum of the payout": (
        [
            "UPDATE payouts SET gross_cents = 11111 WHERE id = (SELECT payout_id FROM payment_intents WHERE subject_id = CAST(:order AS uuid))"
        ],
        ["payout {payout}: 11110 of 11111 listed, 11110 transferred, 11111 expected"],
    ),
    "cash posted, payment open": (
        [_INTENT.format(change="status = 'unpaid'")],
        [
            "agent {agent} holds 12345 USD, 0 expected",
            "order {order}: 12345 collected, 0 expected",
            "order {order}: 11110 paid out, 0 expected",
            "order {order}: 1235 of fees posted, 0 expected",
        ],
    ),
    "payout posted, payment settled": (
        [_INTENT.format(change="status = 'settled'")],
        ["order {order}: 11110 paid out, 0 expected"],
    ),
    "another amount agreed": (
        [_INTENT.format(change="amount_cents = 20000")],
        [
            "agent {agent} holds 12345 USD, 20000 expected",
            "order {order}: 12345 collected, 20000 expected",
            "order {order}: 11110 paid out, 18765 expected",
        ],
    ),
    "no intent at all": (
        [
            "ALTER TABLE payout_items DROP CONSTRAINT payout_items_intent_id_fk",
            "DELETE FROM cash_custodies WHERE intent_id = (SELECT id FROM payment_intents WHERE subject_id = CAST(:order AS uuid))",
            "DELETE FROM payout_items WHERE intent_id = (SELECT id FROM payment_intents WHERE subject_id = CAST(:order AS uuid))",
            "DELETE FROM payment_intents WHERE subject_id = CAST(:order AS uuid)",
        ],
        [
            "payout {payout}: 0 of 11110 listed, 11110 transferred, 11110 expected",
            "agent {agent} holds 12345 USD, 0 expected",
            "order {order}: 12345 collected, 0 expected",
            "order {order}: 11110 paid out, 0 expected",
            "order {order}: 1235 of fees posted, 0 expected",
        ],
    ),
}

# What else is done, and what the prover says of it among other things. One of each query that none of the lies above meets.
_ALSO = {
    "credit never posted": (
        _INTENT.format(change="credited_cents = 5, refunded_cents = 5"),
        "order {order}: 0 credited, 5 expected",
    ),
    "delivered, nothing due, still open": (
        _INTENT.format(change="credited_cents = amount_cents, refunded_cents = amount_cents, status = 'failed'"),
        "order {order} is delivered and nothing is due, its payment is failed",
    ),
    "payout let go": (
        (
            "UPDATE payout_items SET active = false WHERE intent_id ="
            " (SELECT id FROM payment_intents WHERE subject_id = CAST(:order AS uuid))"
        ),
        "payment of order {order} names payout {payout}, None lists it",
    ),
    "another balance in a snapshot": (
        (
            "INSERT INTO account_snapshots (account_id, upto_entry_id, balance_cents, taken_at)"
            f" SELECT account_id, entry_id, 7, now() FROM postings WHERE position = 0 AND entry_id = {_CASH_ENTRY}"
        ),
        "snapshot of account {account} says 7, its postings 12345",
    ),
    "taken back by another sum": (
        (
            "UPDATE ledger_entries SET reverses_id = CAST(:cash AS uuid)"
            " WHERE subject_id = CAST(:order AS uuid) AND type = 'vendor_payout'"
        ),
        "entry {paid} does not take back what it names",
    ),
    "posted hold of another sum": (
        (
            "INSERT INTO holds (id, key, account_id, status, amount_cents, reason, entry_id, expires_at, created_at,"
            " changed_at) SELECT CAST(:order AS uuid), 'lie', account_id, 'posted', 7, '', entry_id, now(), now(), now()"
            f" FROM postings WHERE position = 0 AND entry_id = {_CASH_ENTRY}"
        ),
        "hold {order} did not move what it held",
    ),
}


@pytest.fixture
def owner(mesh: MeshHarness) -> Iterator[Tx]:
    """Return a transaction of the owner in which no trigger fires; nothing of it stays."""
    mesh.start("finance")
    url = mesh.stack.addresses.database_url("finance", kind="owner")
    with owner_transaction(url, now=mesh.clock.now()) as tx:
        for table in ("ledger_entries", "postings"):
            tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield tx


@pytest.fixture
def paid(mesh: MeshHarness, payments: Payments) -> str:
    """Return the id of an order that went all the way, with a fee of ten percent."""
    order = order_snapshot()
    with mesh.transaction("finance") as tx:
        open_intents(tx, [order], fee_basis_points=1_000)
    payments.collect(order)
    payments.delivered(order)
    payments.confirm(order.order_id)
    return order.order_id


class TestProveMoney:
    def test_is_silent_about_a_true_ledger(self, mesh: MeshHarness, payments: Payments, paid: str) -> None:
        for order in (payments.opened(), payments.failed(), payments.collected()):
            assert order.order_id != paid

        with mesh.transaction("finance") as tx:
            assert prove_money(tx) == []

    @pytest.mark.parametrize("lie", list(_LIES))
    def test_names_a_lie(self, paid: str, owner: Tx, lie: str) -> None:
        statements, expected = _LIES[lie]
        entries = {
            row.type: row.id
            for row in owner.execute(
                text("SELECT id, type FROM ledger_entries WHERE subject_id = CAST(:order AS uuid)"), {"order": paid}
            )
        }

        sql = (
            "SELECT i.payout_id, c.collected_by_user_id FROM payment_intents i JOIN cash_custodies c ON c.intent_id = i.id"
            " WHERE i.subject_id = CAST(:order AS uuid)"
        )
        payout, agent = owner.execute(text(sql), {"order": paid}).one()
        for statement in statements:
            owner.execute(text(statement), {"order": paid})

        names = {
            "order": paid,
            "payout": payout,
            "agent": agent,
            "cash": entries["cash_collected"],
            "paid": entries["vendor_payout"],
        }
        assert sorted(prove_money(owner)) == sorted(text.format(**names) for text in expected)

    @pytest.mark.parametrize("lie", list(_ALSO))
    def test_names_each_other_kind(self, paid: str, owner: Tx, lie: str) -> None:
        statement, expected = _ALSO[lie]
        sql = "SELECT id, type FROM ledger_entries WHERE subject_id = CAST(:order AS uuid)"
        entries = {row.type: str(row.id) for row in owner.execute(text(sql), {"order": paid})}
        sql = "SELECT account_id FROM postings WHERE position = 0 AND entry_id = CAST(:entry AS uuid)"
        account = owner.execute(text(sql), {"entry": entries["cash_collected"]}).scalar_one()
        sql = "SELECT payout_id FROM payment_intents WHERE subject_id = CAST(:order AS uuid)"
        payout = owner.execute(text(sql), {"order": paid}).scalar_one()
        names = {"order": paid, "payout": payout, "cash": entries["cash_collected"], "paid": entries["vendor_payout"]}

        used = {name: value for name, value in names.items() if f":{name}" in statement}
        assert owner.execute(text(statement), used).rowcount == 1

        assert expected.format(account=account, **names) in prove_money(owner)

    def test_names_money_of_an_unknown_order(self, owner: Tx, payments: Payments) -> None:
        assert payments.opened()
        stray = uuid.uuid4()
        owner.execute(
            text(
                "INSERT INTO ledger_entries (id, type, subject_kind, subject_id, cause_type, buyer_store_id, vendor_store_id,"
                " actor, request_id, reference, created_at)"
                " VALUES (:id, 'cash_collected', 'order', :id, 'order', :id, :id, 'test', '', '', now())"
            ),
            {"id": stray},
        )

        assert prove_money(owner) == [f"entry {stray} has fewer than two postings"]
