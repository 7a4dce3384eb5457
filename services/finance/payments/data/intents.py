"""SQL about payment intents."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import update

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.rows import columns_of
from meshkit.db.sql import sql
from services.finance.payments.domain.intent import Intent, VendorTotals
from services.finance.schema.payments import payment_intents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_ADD = sql(
    insert_rows(
        payment_intents,
        (
            "id",
            "order_id",
            "order_number",
            "order_version",
            "order_status",
            "buyer_store_id",
            "vendor_store_id",
            "vendor_store_name",
            "method",
            "status",
            "amount_cents",
            "fee_basis_points",
            "fee_cents",
            "currency",
        ),
        constants={"failure_reason": "''", "created_at": ":now"},
        on_conflict="payment_intents_order_id_key",
    )
)

_IS_DUE = (
    "status = 'settled' AND delivered_at IS NOT NULL AND payout_id IS NULL AND payout_hold_reason = ''"
    " AND cash_mismatch_id IS NULL"
    " AND (NOT CAST(:counted_only AS boolean) OR method <> 'cash' OR cash_counted_at IS NOT NULL)"
)
# Chosen by age, locked in the order of the primary key, and checked again once locked.
_LOCK_DUE = sql(
    f"""
    WITH due AS (
        SELECT id FROM payment_intents
        WHERE {_IS_DUE} AND (CAST(:vendor AS uuid) IS NULL OR vendor_store_id = CAST(:vendor AS uuid))
        ORDER BY delivered_at, id LIMIT :limit
    )
    SELECT {{columns}} FROM payment_intents WHERE id IN (SELECT id FROM due) AND {_IS_DUE} ORDER BY id FOR UPDATE
    """,  # noqa: S608
    Intent,
)
_DUE = sql(
    f"""
    SELECT {{columns}} FROM payment_intents
    WHERE {_IS_DUE}
      AND (CAST(:at AS timestamptz) IS NULL OR (delivered_at, id) > (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY delivered_at, id LIMIT :limit
    """,  # noqa: S608
    Intent,
)
_LOCK = sql("SELECT {columns} FROM payment_intents WHERE order_id = :order FOR UPDATE", Intent)
_LOCK_MANY = sql(
    "SELECT {columns} FROM payment_intents WHERE order_id = ANY(CAST(:orders AS uuid[])) ORDER BY id FOR UPDATE", Intent
)
_JOIN_PAYOUTS = sql(
    "UPDATE payment_intents i SET payout_id = r.payout_id"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r (order_id uuid, payout_id uuid) WHERE i.order_id = r.order_id"
)
_PAY = sql(
    "UPDATE payment_intents SET status = 'paid', vendor_paid_at = :now WHERE order_id = ANY(CAST(:orders AS uuid[]))"
)
_JOIN_HAND_IN = sql("UPDATE payment_intents SET hand_in_id = :id WHERE order_id = ANY(CAST(:orders AS uuid[]))")
_JOIN_MISMATCHES = sql(
    "UPDATE payment_intents i SET cash_mismatch_id = r.mismatch_id"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r (order_id uuid, mismatch_id uuid) WHERE i.order_id = r.order_id"
)
_NOTE_COUNTED = sql("UPDATE payment_intents SET cash_counted_at = :now WHERE order_id = ANY(CAST(:orders AS uuid[]))")
_TAKE_BACK = sql(
    "UPDATE payment_intents SET status = 'settled', vendor_paid_at = NULL, payout_id = NULL, payout_returned_at = :now"
    " WHERE order_id = ANY(CAST(:orders AS uuid[]))"
)
_OF_VENDOR = sql(
    """
    SELECT {columns} FROM payment_intents
    WHERE vendor_store_id = :vendor
      AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY created_at DESC, id DESC LIMIT :limit
    """,
    Intent,
)
_NET = "amount_cents - fee_cents - refunded_cents + refunded_fee_cents"
_TOTALS_OF_VENDOR = sql(
    f"""
    SELECT currency, count(*) AS orders,
           CAST(coalesce(sum({_NET}) FILTER (WHERE status = 'paid'), 0) AS bigint) AS paid_cents,
           CAST(coalesce(sum({_NET}) FILTER (WHERE status = 'settled'), 0) AS bigint) AS due_cents,
           CAST(coalesce(sum({_NET}) FILTER (WHERE status NOT IN ('paid', 'settled')), 0) AS bigint) AS open_cents
    FROM payment_intents WHERE vendor_store_id = :vendor AND status <> 'rejected' GROUP BY currency ORDER BY currency
    """,  # noqa: S608
    VendorTotals,
)
_FIND_OF_VENDOR = sql(
    "SELECT {columns} FROM payment_intents WHERE order_id = :order AND vendor_store_id = :vendor", Intent
)
_FIND_BY_ORDER = sql("SELECT {columns} FROM payment_intents WHERE order_id = :order", Intent)


def add(tx: Tx, rows: Iterable[Mapping[str, object]]) -> None:
    """Insert intents; a second one for the same order changes nothing."""
    tx.execute(_ADD, {"rows": to_json(rows), "now": tx.now})


def lock_by_order(tx: Tx, order_id: uuid.UUID) -> Intent | None:
    """Return an order's intent and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"order": order_id}).one_or_none()


def change(tx: Tx, intent_id: uuid.UUID, **columns: object) -> Intent:
    """Set columns of a locked intent; returns it."""
    statement = update(payment_intents).where(payment_intents.c.id == intent_id).values(**columns)
    return tx.fetch(statement.returning(*columns_of(payment_intents, Intent)), Intent).one()


def lock_due(tx: Tx, *, vendor_store_id: uuid.UUID | None, counted_only: bool, limit: int) -> list[Intent]:
    """Return intents whose vendor can be paid, and keep them from changing until commit; the oldest deliveries first."""
    parameters = {"vendor": vendor_store_id, "counted_only": counted_only, "limit": limit}
    return tx.execute(_LOCK_DUE, parameters).all()


def lock_many(tx: Tx, order_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Return the intents of orders and keep them from changing until commit."""
    return tx.execute(_LOCK_MANY, {"orders": list(order_ids)}).all()


def join_payouts(tx: Tx, payouts: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Note by order which payout each locked intent is in; None takes it out again."""
    rows = [{"order_id": order_id, "payout_id": payout_id} for order_id, payout_id in payouts.items()]
    tx.execute(_JOIN_PAYOUTS, {"rows": to_json(rows)})


def pay(tx: Tx, order_ids: Sequence[uuid.UUID]) -> None:
    """Mark locked intents as paid out."""
    tx.execute(_PAY, {"orders": list(order_ids), "now": tx.now})


def join_hand_in(tx: Tx, order_ids: Sequence[uuid.UUID], *, hand_in_id: uuid.UUID) -> None:
    """Note which hand-in the cash of locked intents is in."""
    tx.execute(_JOIN_HAND_IN, {"orders": list(order_ids), "id": hand_in_id})


def join_mismatches(tx: Tx, mismatches: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Note by order which open mismatch keeps each locked intent from its payout; None lets it in again."""
    rows = [{"order_id": order_id, "mismatch_id": mismatch_id} for order_id, mismatch_id in mismatches.items()]
    tx.execute(_JOIN_MISMATCHES, {"rows": to_json(rows)})


def note_counted(tx: Tx, order_ids: Sequence[uuid.UUID]) -> None:
    """Mark the cash of locked intents as counted at a station."""
    tx.execute(_NOTE_COUNTED, {"orders": list(order_ids), "now": tx.now})


def take_back(tx: Tx, order_ids: Sequence[uuid.UUID]) -> None:
    """Mark locked, paid intents as settled and due again."""
    tx.execute(_TAKE_BACK, {"orders": list(order_ids), "now": tx.now})


def page_of_vendor(tx: Tx, vendor_store_id: uuid.UUID, page: Page) -> list[Intent]:
    """Return a vendor's intents, newest first, one more than the page."""
    return tx.execute(_OF_VENDOR, {"vendor": vendor_store_id, **_keyset(page)}).all()


def totals_of_vendor(tx: Tx, vendor_store_id: uuid.UUID) -> list[VendorTotals]:
    """Return what a vendor's orders leave for it, by currency and by where the money is."""
    return tx.execute(_TOTALS_OF_VENDOR, {"vendor": vendor_store_id}).all()


def find_of_vendor(tx: Tx, order_id: uuid.UUID, vendor_store_id: uuid.UUID) -> Intent | None:
    """Return an order's intent if the order is the vendor's, or None."""
    return tx.execute(_FIND_OF_VENDOR, {"order": order_id, "vendor": vendor_store_id}).one_or_none()


def find_by_order(tx: Tx, order_id: uuid.UUID) -> Intent | None:
    """Return an order's intent, or None."""
    return tx.execute(_FIND_BY_ORDER, {"order": order_id}).one_or_none()


def created_cursor(intent: Intent) -> Cursor:
    """Return the sort key of a vendor's intents."""
    return Cursor(intent.created_at, intent.id)


def page_of_due(tx: Tx, page: Page, *, counted_only: bool) -> list[Intent]:
    """Return intents whose vendor can be paid, oldest delivery first, one more than the page."""
    return tx.execute(_DUE, {"counted_only": counted_only, **_keyset(page)}).all()


def delivered_cursor(intent: Intent) -> Cursor:
    """Return the sort key of intents whose vendor can be paid."""
    assert intent.delivered_at is not None, "what is due was delivered"
    return Cursor(intent.delivered_at, intent.id)


def _keyset(page: Page) -> dict[str, object]:
    after = page.after
    return {"limit": page.fetch, "at": after.at if after else None, "id": after.id if after else None}
