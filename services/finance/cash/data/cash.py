"""SQL about cash custody: stations, hand-ins, what was declared and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.finance.schema.cash import cash_counts, cash_declarations

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_ADD_STATION = sql(
    "INSERT INTO cash_stations (id, name, created_at) VALUES (:id, :name, :now)"
    " ON CONFLICT ON CONSTRAINT cash_stations_name_key DO NOTHING RETURNING id, name, created_at"
)
_STATIONS = sql("SELECT id, name, created_at FROM cash_stations ORDER BY name LIMIT 1000")
_FIND_STATION = sql("SELECT id, name, created_at FROM cash_stations WHERE id = :id")
_ADD = sql(
    "INSERT INTO cash_hand_ins (id, agent_user_id, station_id, status, currency, declared_cents, declared_at)"
    " VALUES (:id, :agent, :station, 'declared', :currency, :declared, :now)"
)
_ADD_DECLARATIONS = sql(insert_rows(cash_declarations, [column.name for column in cash_declarations.c]))
_ADD_COUNTS = sql(insert_rows(cash_counts, [column.name for column in cash_counts.c]))
_ENTER = sql("UPDATE payment_intents SET hand_in_id = :id WHERE order_id = ANY(CAST(:orders AS uuid[]))")
_COUNTED = sql(
    "UPDATE cash_hand_ins SET status = :status, counted_cents = :counted, counted_at = :now, counted_by_user_id = :user"
    " WHERE id = :id"
)
_SET_STATUS = sql("UPDATE cash_hand_ins SET status = :status WHERE id = :id")
_LOCK = sql("SELECT * FROM cash_hand_ins WHERE id = :id FOR UPDATE")
_HAND_IN = "SELECT h.*, s.name AS station_name FROM cash_hand_ins h JOIN cash_stations s ON s.id = h.station_id"
_FIND = sql(f"{_HAND_IN} WHERE h.id = :id")
_FIND_OF_AGENT = sql(f"{_HAND_IN} WHERE h.id = :id AND h.agent_user_id = :agent")
_OF_AGENT = sql(
    f"""
    {_HAND_IN} WHERE h.agent_user_id = :agent
      AND (CAST(:at AS timestamptz) IS NULL OR (h.declared_at, h.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY h.declared_at DESC, h.id DESC LIMIT :limit
    """
)
_AFTER = "CAST(:at AS timestamptz) IS NULL OR (h.declared_at, h.id) > (CAST(:at AS timestamptz), CAST(:id AS uuid))"
_ALL = sql(f"{_HAND_IN} WHERE ({_AFTER}) ORDER BY h.declared_at, h.id LIMIT :limit")
_OF_STATUS = sql(f"{_HAND_IN} WHERE h.status = :status AND ({_AFTER}) ORDER BY h.declared_at, h.id LIMIT :limit")
_ITEMS = sql(
    """
    SELECT d.order_id, d.order_number, d.collected_cents, d.declared_cents, c.counted_cents, m.id AS mismatch_id
    FROM cash_declarations d
    LEFT JOIN cash_counts c ON c.hand_in_id = d.hand_in_id AND c.order_id = d.order_id
    LEFT JOIN cash_mismatches m ON m.hand_in_id = d.hand_in_id AND m.order_id = d.order_id
    WHERE d.hand_in_id = :id ORDER BY d.order_number, d.order_id
    """
)
_HELD = sql(
    """
    SELECT id, order_id, order_number, amount_cents - credited_cents AS amount_cents, currency, cash_collected_at FROM payment_intents
    WHERE collected_by_user_id = :agent AND hand_in_id IS NULL
      AND (CAST(:at AS timestamptz) IS NULL
           OR (cash_collected_at, id) > (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY cash_collected_at, id LIMIT :limit
    """
)


def add_station(tx: Tx, *, station_id: uuid.UUID, name: str) -> Any | None:
    """Insert a station; returns it, or None when another one has that name."""
    return tx.execute(_ADD_STATION, {"id": station_id, "name": name, "now": tx.now}).one_or_none()


def stations(tx: Tx) -> Sequence[Any]:
    """Return all stations by name."""
    rows: Sequence[Any] = tx.execute(_STATIONS).all()
    return rows


def find_station(tx: Tx, station_id: uuid.UUID) -> Any | None:
    """Return a station, or None."""
    return tx.execute(_FIND_STATION, {"id": station_id}).one_or_none()


def declare(
    tx: Tx,
    *,
    hand_in_id: uuid.UUID,
    station_id: uuid.UUID,
    currency: str,
    declarations: Sequence[Mapping[str, Any]],
) -> None:
    """Insert the calling agent's hand-in with its orders, whose intents are locked."""
    values = {
        "id": hand_in_id,
        "agent": tx.principal.require_user,
        "station": station_id,
        "currency": currency,
        "declared": sum(row["declared_cents"] for row in declarations),
        "now": tx.now,
    }
    tx.execute(_ADD, values)
    tx.execute(_ADD_DECLARATIONS, {"rows": to_json({**row, "hand_in_id": hand_in_id} for row in declarations)})
    tx.execute(_ENTER, {"id": hand_in_id, "orders": [row["order_id"] for row in declarations]})


def lock(tx: Tx, hand_in_id: uuid.UUID) -> Any | None:
    """Return a hand-in and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"id": hand_in_id}).one_or_none()


def count(tx: Tx, hand_in_id: uuid.UUID, *, counted: Mapping[uuid.UUID, int], status: str) -> None:
    """Insert what was counted of a locked hand-in's orders."""
    rows = [{"hand_in_id": hand_in_id, "order_id": order, "counted_cents": cents} for order, cents in counted.items()]
    tx.execute(_ADD_COUNTS, {"rows": to_json(rows)})
    values = {"counted": sum(counted.values()), "now": tx.now, "user": tx.principal.require_user}
    tx.execute(_COUNTED, {"id": hand_in_id, "status": status, **values})


def set_status(tx: Tx, hand_in_id: uuid.UUID, *, status: str) -> None:
    """Move a locked hand-in."""
    tx.execute(_SET_STATUS, {"id": hand_in_id, "status": status})


def find(tx: Tx, hand_in_id: uuid.UUID) -> Any | None:
    """Return a hand-in, or None."""
    return tx.execute(_FIND, {"id": hand_in_id}).one_or_none()


def find_of_agent(tx: Tx, hand_in_id: uuid.UUID, agent_user_id: uuid.UUID) -> Any | None:
    """Return a hand-in that is an agent's own, or None."""
    return tx.execute(_FIND_OF_AGENT, {"id": hand_in_id, "agent": agent_user_id}).one_or_none()


def items_of(tx: Tx, hand_in_id: uuid.UUID) -> Sequence[Any]:
    """Return what was collected, declared and counted of each order of a hand-in."""
    rows: Sequence[Any] = tx.execute(_ITEMS, {"id": hand_in_id}).all()
    return rows


def page_of_agent(tx: Tx, agent_user_id: uuid.UUID, page: Page) -> Sequence[Any]:
    """Return an agent's hand-ins, newest first, one more than the page."""
    rows: Sequence[Any] = tx.execute(_OF_AGENT, {"agent": agent_user_id, **_keyset(page)}).all()
    return rows


def page_of(tx: Tx, *, status: str, page: Page) -> Sequence[Any]:
    """Return hand-ins of a status, or of any, oldest first, one more than the page."""
    statement, more = (_OF_STATUS, {"status": status}) if status else (_ALL, {})
    rows: Sequence[Any] = tx.execute(statement, {**more, **_keyset(page)}).all()
    return rows


def page_of_held(tx: Tx, agent_user_id: uuid.UUID, page: Page) -> Sequence[Any]:
    """Return orders whose cash an agent carries undeclared, longest carried first, one more than the page."""
    rows: Sequence[Any] = tx.execute(_HELD, {"agent": agent_user_id, **_keyset(page)}).all()
    return rows


def declared_cursor(row: Any) -> Cursor:
    """Return the sort key of hand-ins."""
    return Cursor(row.declared_at, row.id)


def held_cursor(row: Any) -> Cursor:
    """Return the sort key of held cash."""
    return Cursor(row.cash_collected_at, row.id)


def _keyset(page: Page) -> dict[str, Any]:
    after = page.after
    return {"limit": page.fetch, "at": after.at if after else None, "id": after.id if after else None}
