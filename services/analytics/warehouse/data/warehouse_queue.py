"""SQL of the queue in front of the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.analytics.schema import warehouse_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

# Called with the oldest instant to keep and a number, as meshkit/retention.py does.
DELETE_LOADED = sql(
    """
    DELETE FROM warehouse_rows WHERE seq = ANY(ARRAY(
        SELECT seq FROM warehouse_rows WHERE loaded_at < :limit ORDER BY loaded_at LIMIT :batch FOR UPDATE SKIP LOCKED))
    """
)
_ADD = sql(
    insert_rows(
        warehouse_rows, ("event_id", "row"), constants="created_at = :now", on_conflict="warehouse_rows_event_id_key"
    )
)


def add(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Queue rows by their `event_id`; the same event again changes nothing."""
    tx.execute(_ADD, {"rows": to_json({"event_id": row["event_id"], "row": row} for row in rows), "now": tx.now})


def waiting(tx: Tx, *, limit: int) -> Sequence[Any]:
    """Return the oldest rows that are not loaded."""
    statement = (
        select(warehouse_rows.c.seq, warehouse_rows.c.row)
        .where(warehouse_rows.c.loaded_at.is_(None))
        .order_by(warehouse_rows.c.seq)
        .limit(limit)
    )
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def mark_loaded(tx: Tx, seqs: Sequence[int]) -> None:
    """Note that rows are in the warehouse."""
    tx.execute(update(warehouse_rows).where(warehouse_rows.c.seq.in_(seqs)).values(loaded_at=tx.now))
