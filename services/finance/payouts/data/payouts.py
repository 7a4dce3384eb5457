"""SQL about payouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.finance.schema.payouts import payout_items, payouts

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_COLUMNS = ", ".join(column.name for column in payouts.c)
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
_FIND = sql(f"SELECT {_COLUMNS} FROM payouts WHERE id = :id")  # noqa: S608
_LOCK = sql(f"SELECT {_COLUMNS} FROM payouts WHERE id = :id FOR UPDATE")  # noqa: S608
_ITEMS = sql(
    "SELECT order_id, order_number, amount_cents FROM payout_items WHERE payout_id = :id ORDER BY order_number"
)
_DECISIONS = sql(
    "SELECT user_id, decision, reason, decided_at FROM payout_decisions WHERE payout_id = :id"
    " ORDER BY decided_at, decision DESC"
)
_PAGE = sql(
    f"""
    SELECT {_COLUMNS} FROM payouts
    WHERE (:status = '' OR status = :status)
      AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY created_at DESC, id DESC LIMIT :limit
    """  # noqa: S608
)
_PAID = sql(
    "UPDATE payouts SET status = 'paid', paid_at = :now, netted_cents = :netted, reference = :reference WHERE id = :id"
)
_END = sql("UPDATE payouts SET status = :status WHERE id = :id")
_LET_GO = sql("UPDATE payout_items SET active = false WHERE payout_id = :id")
# Two payouts of a vendor take turns: what it owes us is kept back once.
_LOCK_DEBTS = sql("SELECT id FROM accounts WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
_DEBTS = sql(
    "SELECT account_id, sum(amount_cents) AS cents FROM postings WHERE account_id = ANY(CAST(:ids AS uuid[]))"
    " GROUP BY account_id"
)
_DEBTS_OF = sql(
    "SELECT a.currency, sum(p.amount_cents) AS cents FROM accounts a JOIN postings p ON p.account_id = a.id"
    " WHERE a.owner_id = :vendor AND a.kind = 'vendor_receivable' GROUP BY a.currency"
    " HAVING sum(p.amount_cents) <> 0 ORDER BY a.currency"
)
_ENTRIES = sql(
    """
    SELECT e.id, e.order_id, e.buyer_store_id, e.vendor_store_id,
           (SELECT json_agg(json_build_object('account_id', a.id, 'kind', a.kind, 'owner_id', a.owner_id, 'currency', a.currency,
                                              'amount_cents', p.amount_cents) ORDER BY p.position)
            FROM postings p JOIN accounts a ON a.id = p.account_id WHERE p.entry_id = e.id) AS postings
    FROM ledger_entries e
    WHERE e.cause_id = :id AND e.type IN ('vendor_payout', 'payout_netted') ORDER BY e.id
    """
)


def add(tx: Tx, rows: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> None:
    """Insert payouts with their items, and who asked for them."""
    tx.execute(_ADD, {"rows": to_json(rows)})
    tx.execute(_ADD_ITEMS, {"rows": to_json(items)})
    tx.execute(_REQUEST, {"ids": [row["id"] for row in rows], "now": tx.now})


def decide(tx: Tx, payout_id: uuid.UUID, *, decision: str, reason: str) -> None:
    """Keep who decided what about a payout."""
    user = tx.principal.require_user
    tx.execute(_DECIDE, {"id": payout_id, "decision": decision, "user": user, "reason": reason, "now": tx.now})


def find(tx: Tx, payout_id: uuid.UUID) -> Any | None:
    """Return a payout, or None."""
    return tx.execute(_FIND, {"id": payout_id}).one_or_none()


def lock(tx: Tx, payout_id: uuid.UUID) -> Any | None:
    """Return a payout and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"id": payout_id}).one_or_none()


def items_of(tx: Tx, payout_id: uuid.UUID) -> Sequence[Any]:
    """Return a payout's orders."""
    rows: Sequence[Any] = tx.execute(_ITEMS, {"id": payout_id}).all()
    return rows


def decisions_of(tx: Tx, payout_id: uuid.UUID) -> Sequence[Any]:
    """Return who decided what about a payout, oldest first."""
    rows: Sequence[Any] = tx.execute(_DECISIONS, {"id": payout_id}).all()
    return rows


def page_of(tx: Tx, *, status: str, page: Page) -> Sequence[Any]:
    """Return payouts of a status, or of any, newest first, one more than the page."""
    after = {"at": page.after.at if page.after else None, "id": page.after.id if page.after else None}
    rows: Sequence[Any] = tx.execute(_PAGE, {"status": status, "limit": page.fetch, **after}).all()
    return rows


def cursor(row: Any) -> Cursor:
    """Return the sort key of payouts."""
    return Cursor(row.created_at, row.id)


def mark_paid(tx: Tx, payout_id: uuid.UUID, *, netted_cents: int, reference: str) -> None:
    """Mark a locked payout as transferred."""
    tx.execute(_PAID, {"id": payout_id, "netted": netted_cents, "reference": reference, "now": tx.now})


def end(tx: Tx, payout_id: uuid.UUID, *, status: str) -> None:
    """End a locked payout; its orders can be in another one."""
    tx.execute(_END, {"id": payout_id, "status": status})
    tx.execute(_LET_GO, {"id": payout_id})


def lock_debts(tx: Tx, account_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return what vendors owe us, by account, and keep others from keeping it back until commit."""
    tx.execute(_LOCK_DEBTS, {"ids": list(account_ids)})
    return {row.account_id: int(row.cents) for row in tx.execute(_DEBTS, {"ids": list(account_ids)})}


def debts_of(tx: Tx, vendor_store_id: uuid.UUID) -> Sequence[Any]:
    """Return what a vendor owes us, by currency."""
    rows: Sequence[Any] = tx.execute(_DEBTS_OF, {"vendor": vendor_store_id}).all()
    return rows


def entries_of(tx: Tx, payout_id: uuid.UUID) -> Sequence[Any]:
    """Return what a payout posted, with the postings."""
    rows: Sequence[Any] = tx.execute(_ENTRIES, {"id": payout_id}).all()
    return rows
