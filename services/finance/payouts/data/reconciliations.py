"""SQL about comparing our payouts with a bank's file."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class DifferenceDocument(TypedDict):
    """A difference as it is kept: what the file has and what we have, zero and empty where one of them has nothing."""

    kind: str
    line: int
    reference: str
    payout_id: str
    ours_cents: int
    theirs_cents: int
    our_currency: str
    their_currency: str


class Reconciliation(NamedTuple):
    """What comparing a bank's file with our payouts found."""

    id: uuid.UUID
    file_hash: str
    file_name: str
    date_from: date
    date_to: date
    lines: int
    matched: int
    differences: list[DifferenceDocument]
    created_at: datetime


class TransferredPayout(NamedTuple):
    """A payout that left our account."""

    id: uuid.UUID
    reference: str
    amount_cents: int
    currency: str


_TRANSFERS = sql(
    """
    SELECT id, reference, gross_cents - netted_cents AS amount_cents, currency FROM payouts
    WHERE paid_at >= :first AND paid_at < :end AND status IN ('paid', 'returned') AND gross_cents > netted_cents
    ORDER BY paid_at, id
    """,
    TransferredPayout,
)
_ADD = sql(
    "INSERT INTO reconciliations (id, file_hash, file_name, date_from, date_to, lines, matched, differences,"
    " created_by_user_id, created_at) VALUES (:id, :file_hash, :file_name, :date_from, :date_to, :lines, :matched,"
    " CAST(:differences AS jsonb), :user, :now) ON CONFLICT ON CONSTRAINT reconciliations_file_hash_key DO NOTHING"
)
_BY_HASH = sql("SELECT {columns} FROM reconciliations WHERE file_hash = :file_hash", Reconciliation)
_FIND = sql("SELECT {columns} FROM reconciliations WHERE id = :id", Reconciliation)


def transfers(tx: Tx, *, first: datetime, end: datetime) -> list[TransferredPayout]:
    """Return payouts that were transferred within a period. Returned ones are included: the bank has transferred them too."""
    return tx.execute(_TRANSFERS, {"first": first, "end": end}).all()


def add(tx: Tx, *, differences: list[DifferenceDocument], **columns: object) -> None:
    """Insert a report; a second one of the same file changes nothing."""
    values = {"differences": json.dumps(differences), "user": tx.principal.require_user, "now": tx.now}
    tx.execute(_ADD, {**columns, **values})


def by_hash(tx: Tx, file_hash: str) -> Reconciliation | None:
    """Return the report of a file, or None."""
    return tx.execute(_BY_HASH, {"file_hash": file_hash}).one_or_none()


def find(tx: Tx, report_id: uuid.UUID) -> Reconciliation | None:
    """Return a report, or None."""
    return tx.execute(_FIND, {"id": report_id}).one_or_none()
