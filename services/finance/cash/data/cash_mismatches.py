"""SQL about cash that was counted otherwise than it was collected or declared."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.finance.schema.cash import cash_mismatches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class Mismatch(NamedTuple):
    """An order whose cash was counted otherwise than collected or declared; open until it is resolved."""

    id: uuid.UUID
    hand_in_id: uuid.UUID
    order_id: uuid.UUID
    agent_user_id: uuid.UUID
    found_at: datetime
    resolved_at: datetime | None
    resolved_by_user_id: uuid.UUID | None
    reason: str
    recovered_cents: int
    written_off_cents: int
    order_number: int
    collected_cents: int
    declared_cents: int
    counted_cents: int
    currency: str
    station_id: uuid.UUID
    station_name: str
    counted_by_user_id: uuid.UUID


_ADD = sql(
    insert_rows(cash_mismatches, ("id", "hand_in_id", "order_id", "agent_user_id"), constants={"found_at": ":now"})
)
_COLUMNS = """
    SELECT m.id, m.hand_in_id, m.order_id, m.agent_user_id, m.found_at, m.resolved_at, m.resolved_by_user_id, m.reason,
           m.recovered_cents, m.written_off_cents, d.order_number, d.collected_cents, d.declared_cents,
           c.counted_cents, h.currency, h.station_id,
           s.name AS station_name, h.counted_by_user_id
"""
_AROUND = """
    JOIN cash_hand_ins h ON h.id = m.hand_in_id
    JOIN cash_stations s ON s.id = h.station_id
    JOIN cash_declarations d ON d.hand_in_id = m.hand_in_id AND d.order_id = m.order_id
    JOIN cash_counts c ON c.hand_in_id = m.hand_in_id AND c.order_id = m.order_id
"""
_FIND = sql(f"{_COLUMNS} FROM cash_mismatches m {_AROUND} WHERE m.id = :id", Mismatch)
_LOCK = sql(f"{_COLUMNS} FROM cash_mismatches m {_AROUND} WHERE m.id = :id FOR UPDATE OF m", Mismatch)
# The page first, then its joins: the queue is read by its index however many mismatches there have been.
_OPEN = sql(
    f"""
    WITH page AS MATERIALIZED (
        SELECT id, hand_in_id, order_id, agent_user_id, found_at, resolved_at, resolved_by_user_id, reason,
               recovered_cents, written_off_cents
        FROM cash_mismatches WHERE resolved_at IS NULL
          AND (CAST(:at AS timestamptz) IS NULL OR (found_at, id) > (CAST(:at AS timestamptz), CAST(:id AS uuid)))
        ORDER BY found_at, id LIMIT :limit
    )
    {_COLUMNS} FROM page m {_AROUND} ORDER BY m.found_at, m.id
    """,  # noqa: S608
    Mismatch,
)
_RESOLVE = sql(
    "UPDATE cash_mismatches SET resolved_at = :now, resolved_by_user_id = :user, reason = :reason,"
    " recovered_cents = :recovered, written_off_cents = :written_off WHERE id = :id"
)
_ANY_OPEN = sql("SELECT EXISTS (SELECT 1 FROM cash_mismatches WHERE hand_in_id = :id AND resolved_at IS NULL)", bool)


def add(tx: Tx, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert open mismatches."""
    tx.execute(_ADD, {"rows": to_json(rows), "now": tx.now})


def find(tx: Tx, mismatch_id: uuid.UUID) -> Mismatch | None:
    """Return a mismatch, or None."""
    return tx.execute(_FIND, {"id": mismatch_id}).one_or_none()


def lock(tx: Tx, mismatch_id: uuid.UUID) -> Mismatch:
    """Return a mismatch that is there, and keep it from changing until commit."""
    return tx.execute(_LOCK, {"id": mismatch_id}).one()


def resolve(tx: Tx, mismatch_id: uuid.UUID, *, reason: str, recovered_cents: int, written_off_cents: int) -> None:
    """Resolve a locked mismatch."""
    values = {"reason": reason, "recovered": recovered_cents, "written_off": written_off_cents}
    tx.execute(_RESOLVE, {"id": mismatch_id, "now": tx.now, "user": tx.principal.require_user, **values})


def are_open(tx: Tx, hand_in_id: uuid.UUID) -> bool:
    """Return whether a hand-in has an open mismatch."""
    return tx.execute(_ANY_OPEN, {"id": hand_in_id}).one()


def page_of_open(tx: Tx, page: Page) -> list[Mismatch]:
    """Return open mismatches, oldest first, one more than the page."""
    after = {"at": page.after.at if page.after else None, "id": page.after.id if page.after else None}
    return tx.execute(_OPEN, {"limit": page.fetch, **after}).all()


def found_cursor(mismatch: Mismatch) -> Cursor:
    """Return the sort key of mismatches."""
    return Cursor(mismatch.found_at, mismatch.id)
