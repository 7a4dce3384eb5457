"""SQL about payment intents."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import update

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.rows import columns_of
from meshkit.db.sql import sql
from services.finance.payments.domain.intent import Intent, IntentDetail, VendorTotals
from services.finance.schema.payments import payment_intents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject, SubjectKind

_ADD = sql(
    insert_rows(
        payment_intents,
        (
            "id",
            "subject_kind",
            "subject_id",
            "subject_number",
            "subject_version",
            "subject_status",
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
        on_conflict="payment_intents_subject_key",
    )
)

_SUBJECT = "subject_kind = :kind AND subject_id = :id"
_FIND = sql(f"SELECT {{columns}} FROM payment_intents WHERE {_SUBJECT}", Intent)  # noqa: S608
_FIND_OF_VENDOR = sql(
    f"SELECT {{columns}} FROM payment_intents WHERE {_SUBJECT} AND vendor_store_id = :vendor",  # noqa: S608
    Intent,
)
# Locks the intent alone. Custody and hold are read by a later statement (`detail`): this one would show them as they were
# before it waited for the lock (docs/decisions/0038).
_LOCK = sql(f"SELECT {{columns}} FROM payment_intents WHERE {_SUBJECT} FOR UPDATE", Intent)  # noqa: S608
_LOCK_SUBJECTS = sql(
    "SELECT {columns} FROM payment_intents WHERE subject_kind = :kind AND subject_id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY id FOR UPDATE",
    Intent,
)
_LOCK_MANY = sql(
    "SELECT {columns} FROM payment_intents WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE", Intent
)
# One row for every intent, with or without custody and hold.
_DETAIL = sql(
    """
    SELECT c.collected_at AS cash_collected_at, c.collected_by_user_id, c.hand_in_id, c.counted_at AS cash_counted_at,
           c.mismatch_id AS cash_mismatch_id, coalesce(h.reason, '') AS payout_hold_reason
    FROM (SELECT CAST(:id AS uuid) AS id) i
    LEFT JOIN cash_custodies c ON c.intent_id = i.id LEFT JOIN payout_holds h ON h.intent_id = i.id
    """,
    IntentDetail,
)
_JOIN_PAYOUTS = sql(
    "UPDATE payment_intents i SET payout_id = r.payout_id"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r (id uuid, payout_id uuid) WHERE i.id = r.id"
)
# Whoever waited for the lock may have begun before the one it waited for, and commerce puts payouts and their returns in order by
# these instants: each is later than the one before it.
_PAY = sql(
    "UPDATE payment_intents SET status = 'paid',"
    " vendor_paid_at = greatest(CAST(:now AS timestamptz), payout_returned_at + interval '1 microsecond')"
    " WHERE id = ANY(CAST(:ids AS uuid[])) RETURNING {columns}",
    Intent,
)
_TAKE_BACK = sql(
    "UPDATE payment_intents SET status = 'settled', vendor_paid_at = NULL, payout_id = NULL,"
    " payout_returned_at = greatest(CAST(:now AS timestamptz), vendor_paid_at + interval '1 microsecond')"
    " WHERE id = ANY(CAST(:ids AS uuid[])) RETURNING {columns}",
    Intent,
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


def add(tx: Tx, rows: Iterable[Mapping[str, object]]) -> None:
    """Insert intents; a second one for the same subject changes nothing."""
    tx.execute(_ADD, {"rows": to_json(rows), "now": tx.now})


def lock(tx: Tx, subject: Subject) -> Intent | None:
    """Return a subject's intent and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"kind": subject.kind.value, "id": subject.id}).one_or_none()


def lock_subjects(tx: Tx, kind: SubjectKind, subject_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Return the intents of subjects of a kind and keep them from changing until commit."""
    return tx.execute(_LOCK_SUBJECTS, {"kind": kind.value, "ids": list(subject_ids)}).all()


def lock_many(tx: Tx, intent_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Return intents and keep them from changing until commit."""
    return tx.execute(_LOCK_MANY, {"ids": list(intent_ids)}).all()


def change(tx: Tx, intent_id: uuid.UUID, **columns: object) -> Intent:
    """Set columns of a locked intent; returns it."""
    statement = update(payment_intents).where(payment_intents.c.id == intent_id).values(**columns)
    return tx.fetch(statement.returning(*columns_of(payment_intents, Intent)), Intent).one()


def set_payouts(tx: Tx, payouts: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Set the payout that each locked intent is in; None takes it out."""
    rows = [{"id": intent_id, "payout_id": payout_id} for intent_id, payout_id in payouts.items()]
    tx.execute(_JOIN_PAYOUTS, {"rows": to_json(rows)})


def pay(tx: Tx, intent_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Mark locked intents as paid out; returns them."""
    return tx.execute(_PAY, {"ids": list(intent_ids), "now": tx.now}).all()


def take_back(tx: Tx, intent_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Mark locked, paid intents as settled and due again; returns them."""
    return tx.execute(_TAKE_BACK, {"ids": list(intent_ids), "now": tx.now}).all()


def page_of_vendor(tx: Tx, vendor_store_id: uuid.UUID, page: Page) -> list[Intent]:
    """Return a vendor's intents, newest first, one more than the page."""
    return tx.execute(_OF_VENDOR, {"vendor": vendor_store_id, **_keyset(page)}).all()


def totals_of_vendor(tx: Tx, vendor_store_id: uuid.UUID) -> list[VendorTotals]:
    """Return what a vendor's orders leave for it, by currency and by where the money is."""
    return tx.execute(_TOTALS_OF_VENDOR, {"vendor": vendor_store_id}).all()


def find(tx: Tx, subject: Subject) -> Intent | None:
    """Return a subject's intent, or None."""
    return tx.execute(_FIND, {"kind": subject.kind.value, "id": subject.id}).one_or_none()


def find_of_vendor(tx: Tx, subject: Subject, vendor_store_id: uuid.UUID) -> Intent | None:
    """Return a subject's intent if it is the vendor's, or None."""
    values = {"kind": subject.kind.value, "id": subject.id, "vendor": vendor_store_id}
    return tx.execute(_FIND_OF_VENDOR, values).one_or_none()


def detail(tx: Tx, intent_id: uuid.UUID) -> IntentDetail:
    """Return what cash custody and payouts say of an intent."""
    return tx.execute(_DETAIL, {"id": intent_id}).one()


def created_cursor(intent: Intent) -> Cursor:
    """Return the sort key of a vendor's intents."""
    return Cursor(intent.created_at, intent.id)


def _keyset(page: Page) -> dict[str, object]:
    after = page.after
    return {"limit": page.fetch, "at": after.at if after else None, "id": after.id if after else None}
