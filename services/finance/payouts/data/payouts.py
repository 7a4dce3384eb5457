"""SQL about payouts."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.finance.ledger.domain.ledger import Posting, Side, postings_of
from services.finance.ledger.domain.subject import subject_of
from services.finance.schema.payouts import payout_items, payouts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject


class Payout(NamedTuple):
    """A transfer to a vendor for any number of orders."""

    id: uuid.UUID
    vendor_store_id: uuid.UUID
    vendor_store_name: str
    status: str
    currency: str
    gross_cents: int
    netted_cents: int
    reference: str
    requested_by_user_id: uuid.UUID
    created_at: datetime
    paid_at: datetime | None


class PayoutItem(NamedTuple):
    """An order of a payout, its intent, and what its vendor gets for it."""

    intent_id: uuid.UUID
    order_id: uuid.UUID
    order_number: int
    amount_cents: int


class PayoutDecision(NamedTuple):
    """Who asked for, approved, rejected or took back a payout, and why."""

    user_id: uuid.UUID
    decision: str
    reason: str
    decided_at: datetime


class PayoutEntry(NamedTuple):
    """An entry that a payout posted."""

    id: uuid.UUID
    subject_kind: str | None
    subject_id: uuid.UUID | None
    buyer_store_id: uuid.UUID | None
    vendor_store_id: uuid.UUID | None
    sides: list[Side]

    @property
    def postings(self) -> tuple[Posting, ...]:
        """Return the sides as the ledger's domain knows them."""
        return postings_of(self.sides)

    @property
    def subject(self) -> Subject | None:
        """Return what it is about, or None."""
        return subject_of(self.subject_kind, self.subject_id)


class VendorDebt(NamedTuple):
    """What a vendor owes us in a currency."""

    currency: str
    cents: Decimal


_ADD = sql(insert_rows(payouts, [column.name for column in payouts.c]))
_ADD_ITEMS = sql(insert_rows(payout_items, [column.name for column in payout_items.c]))
_REQUEST = sql(
    "INSERT INTO payout_decisions (payout_id, decision, user_id, reason, decided_at)"
    " SELECT id, 'request', requested_by_user_id, reference, :now FROM payouts WHERE id = ANY(CAST(:ids AS uuid[]))"
)
_DECIDE = sql(
    "INSERT INTO payout_decisions (payout_id, decision, user_id, reason, decided_at)"
    " VALUES (:id, :decision, :user, :reason, :now)"
)
_FIND = sql("SELECT {columns} FROM payouts WHERE id = :id", Payout)
_FIND_MANY = sql("SELECT {columns} FROM payouts WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id", Payout)
_LOCK = sql("SELECT {columns} FROM payouts WHERE id = :id FOR UPDATE", Payout)
_ITEMS = sql(
    "SELECT p.intent_id, i.subject_id AS order_id, i.subject_number AS order_number, p.amount_cents"
    " FROM payout_items p JOIN payment_intents i ON i.id = p.intent_id"
    " WHERE p.payout_id = :id ORDER BY i.subject_number, p.intent_id",
    PayoutItem,
)
_DECISIONS = sql(
    "SELECT {columns} FROM payout_decisions WHERE payout_id = :id ORDER BY decided_at, decision DESC",
    PayoutDecision,
)
_PAGE = sql(
    """
    SELECT {columns} FROM payouts
    WHERE (:status = '' OR status = :status)
      AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY created_at DESC, id DESC LIMIT :limit
    """,
    Payout,
)
_PAID = sql(
    "UPDATE payouts SET status = 'paid', paid_at = :now, netted_cents = :netted, reference = :reference WHERE id = :id"
)
_END = sql("UPDATE payouts SET status = :status WHERE id = :id")
_LET_GO = sql("UPDATE payout_items SET active = false WHERE payout_id = :id")
_DEBTS_OF = sql(
    "SELECT a.currency, sum(p.amount_cents) AS cents FROM accounts a JOIN postings p ON p.account_id = a.id"
    " WHERE a.owner_id = :vendor AND a.kind = 'vendor_receivable' GROUP BY a.currency"
    " HAVING sum(p.amount_cents) <> 0 ORDER BY a.currency",
    VendorDebt,
)
_ENTRIES = sql(
    """
    SELECT e.id, e.subject_kind, e.subject_id, e.buyer_store_id, e.vendor_store_id,
           (SELECT json_agg(json_build_object('account_id', a.id, 'kind', a.kind, 'owner_id', a.owner_id, 'currency', a.currency,
                                              'amount_cents', p.amount_cents) ORDER BY p.position)
            FROM postings p JOIN accounts a ON a.id = p.account_id WHERE p.entry_id = e.id) AS sides
    FROM ledger_entries e
    WHERE e.cause_id = :id AND e.type IN ('vendor_payout', 'payout_netted') ORDER BY e.id
    """,
    PayoutEntry,
)


def add(tx: Tx, rows: Sequence[Mapping[str, object]], items: Sequence[Mapping[str, object]]) -> None:
    """Insert payouts with their items, and who asked for them."""
    tx.execute(_ADD, {"rows": to_json(rows)})
    tx.execute(_ADD_ITEMS, {"rows": to_json(items)})
    tx.execute(_REQUEST, {"ids": [row["id"] for row in rows], "now": tx.now})


def decide(tx: Tx, payout_id: uuid.UUID, *, decision: str, reason: str) -> None:
    """Record a decision about a payout, in the caller's name."""
    user = tx.principal.require_user
    tx.execute(_DECIDE, {"id": payout_id, "decision": decision, "user": user, "reason": reason, "now": tx.now})


def find(tx: Tx, payout_id: uuid.UUID) -> Payout | None:
    """Return a payout, or None."""
    return tx.execute(_FIND, {"id": payout_id}).one_or_none()


def find_many(tx: Tx, payout_ids: Sequence[uuid.UUID]) -> list[Payout]:
    """Return those of the payouts that exist, oldest first: their ids sort by the time they were made."""
    return tx.execute(_FIND_MANY, {"ids": list(payout_ids)}).all() if payout_ids else []


def lock(tx: Tx, payout_id: uuid.UUID) -> Payout | None:
    """Return a payout and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"id": payout_id}).one_or_none()


def items_of(tx: Tx, payout_id: uuid.UUID) -> list[PayoutItem]:
    """Return a payout's orders."""
    return tx.execute(_ITEMS, {"id": payout_id}).all()


def decisions_of(tx: Tx, payout_id: uuid.UUID) -> list[PayoutDecision]:
    """Return who decided what about a payout, oldest first."""
    return tx.execute(_DECISIONS, {"id": payout_id}).all()


def page_of(tx: Tx, *, status: str, page: Page) -> list[Payout]:
    """Return payouts of a status, or of any, newest first, one more than the page."""
    after = {"at": page.after.at if page.after else None, "id": page.after.id if page.after else None}
    return tx.execute(_PAGE, {"status": status, "limit": page.fetch, **after}).all()


def cursor(payout: Payout) -> Cursor:
    """Return the sort key of payouts."""
    return Cursor(payout.created_at, payout.id)


def mark_paid(tx: Tx, payout_id: uuid.UUID, *, netted_cents: int, reference: str) -> None:
    """Mark a locked payout as transferred."""
    tx.execute(_PAID, {"id": payout_id, "netted": netted_cents, "reference": reference, "now": tx.now})


def end(tx: Tx, payout_id: uuid.UUID, *, status: str) -> None:
    """Set a locked payout's last status; its orders can be in another payout from now on."""
    tx.execute(_END, {"id": payout_id, "status": status})
    tx.execute(_LET_GO, {"id": payout_id})


def debts_of(tx: Tx, vendor_store_id: uuid.UUID) -> list[VendorDebt]:
    """Return what a vendor owes us, by currency."""
    return tx.execute(_DEBTS_OF, {"vendor": vendor_store_id}).all()


def entries_of(tx: Tx, payout_id: uuid.UUID) -> list[PayoutEntry]:
    """Return what a payout posted, with the postings."""
    return tx.execute(_ENTRIES, {"id": payout_id}).all()
