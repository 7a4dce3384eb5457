"""SQL about comparing our payouts with a bank's file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.db.tx import Tx

_COLUMNS = "id, file_hash, file_name, date_from, date_to, lines, matched, differences, created_at"
_TRANSFERS = sql(
    """
    SELECT id, reference, gross_cents - netted_cents AS amount_cents, currency FROM payouts
    WHERE paid_at >= :first AND paid_at < :end AND status IN ('paid', 'returned') AND gross_cents > netted_cents
    ORDER BY paid_at, id
    """
)
_ADD = sql(
    "INSERT INTO reconciliations (id, file_hash, file_name, date_from, date_to, lines, matched, differences,"
    " created_by_user_id, created_at) VALUES (:id, :file_hash, :file_name, :date_from, :date_to, :lines, :matched,"
    " CAST(:differences AS jsonb), :user, :now) ON CONFLICT ON CONSTRAINT reconciliations_file_hash_key DO NOTHING"
)
_BY_HASH = sql(f"SELECT {_COLUMNS} FROM reconciliations WHERE file_hash = :file_hash")  # noqa: S608
_FIND = sql(f"SELECT {_COLUMNS} FROM reconciliations WHERE id = :id")  # noqa: S608


def transfers(tx: Tx, *, first: datetime, end: datetime) -> Sequence[Any]:
    """Return payouts that were transferred in a time, returned ones included: the bank made them all the same."""
    rows: Sequence[Any] = tx.execute(_TRANSFERS, {"first": first, "end": end}).all()
    return rows


def add(tx: Tx, *, differences: list[dict[str, Any]], **columns: Any) -> None:
    """Insert a report; a second one of the same file changes nothing."""
    values = {"differences": json.dumps(differences), "user": tx.principal.require_user, "now": tx.now}
    tx.execute(_ADD, {**columns, **values})


def by_hash(tx: Tx, file_hash: str) -> Any | None:
    """Return the report of a file, or None."""
    return tx.execute(_BY_HASH, {"file_hash": file_hash}).one_or_none()


def find(tx: Tx, report_id: uuid.UUID) -> Any | None:
    """Return a report, or None."""
    return tx.execute(_FIND, {"id": report_id}).one_or_none()
