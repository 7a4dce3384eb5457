"""SQL about cash custody: stations, hand-ins, what was declared and counted."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.finance.schema.cash import cash_counts, cash_declarations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.cash.domain.cash import Declared


class Station(NamedTuple):
    """Where cash is handed in."""

    id: uuid.UUID
    name: str
    created_at: datetime


class LockedHandIn(NamedTuple):
    """A locked hand-in."""

    id: uuid.UUID
    agent_user_id: uuid.UUID
    station_id: uuid.UUID
    status: str
    currency: str


class HandIn(NamedTuple):
    """Cash of an agent's orders at a station; counted or not yet."""

    id: uuid.UUID
    agent_user_id: uuid.UUID
    station_id: uuid.UUID
    station_name: str
    status: str
    currency: str
    declared_cents: int
    counted_cents: int | None
    declared_at: datetime
    counted_at: datetime | None
    counted_by_user_id: uuid.UUID | None


class HandInItem(NamedTuple):
    """What was collected, declared and counted of an order of a hand-in."""

    order_id: uuid.UUID
    order_number: int
    collected_cents: int
    declared_cents: int
    counted_cents: int | None
    mismatch_id: uuid.UUID | None


_ADD_STATION = sql(
    "INSERT INTO cash_stations (id, name, created_at) VALUES (:id, :name, :now)"
    " ON CONFLICT ON CONSTRAINT cash_stations_name_key DO NOTHING RETURNING {columns}",
    Station,
)
_STATIONS = sql("SELECT {columns} FROM cash_stations ORDER BY name LIMIT 1000", Station)
_FIND_STATION = sql("SELECT {columns} FROM cash_stations WHERE id = :id", Station)
_ADD = sql(
    "INSERT INTO cash_hand_ins (id, agent_user_id, station_id, status, currency, declared_cents, declared_at)"
    " VALUES (:id, :agent, :station, 'declared', :currency, :declared, :now)"
)
_ADD_DECLARATIONS = sql(insert_rows(cash_declarations, [column.name for column in cash_declarations.c]))
_ADD_COUNTS = sql(insert_rows(cash_counts, [column.name for column in cash_counts.c]))
_COUNTED = sql(
    "UPDATE cash_hand_ins SET status = :status, counted_cents = :counted, counted_at = :now, counted_by_user_id = :user"
    " WHERE id = :id"
)
_SET_STATUS = sql("UPDATE cash_hand_ins SET status = :status WHERE id = :id")
_LOCK = sql("SELECT {columns} FROM cash_hand_ins WHERE id = :id FOR UPDATE", LockedHandIn)
_HAND_IN = """
    SELECT h.id, h.agent_user_id, h.station_id, s.name AS station_name, h.status, h.currency, h.declared_cents,
           h.counted_cents, h.declared_at, h.counted_at, h.counted_by_user_id
    FROM cash_hand_ins h JOIN cash_stations s ON s.id = h.station_id
"""
_FIND = sql(f"{_HAND_IN} WHERE h.id = :id", HandIn)
_FIND_OF_AGENT = sql(f"{_HAND_IN} WHERE h.id = :id AND h.agent_user_id = :agent", HandIn)
_OF_AGENT = sql(
    f"""
    {_HAND_IN} WHERE h.agent_user_id = :agent
      AND (CAST(:at AS timestamptz) IS NULL OR (h.declared_at, h.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY h.declared_at DESC, h.id DESC LIMIT :limit
    """,
    HandIn,
)
_AFTER = "CAST(:at AS timestamptz) IS NULL OR (h.declared_at, h.id) > (CAST(:at AS timestamptz), CAST(:id AS uuid))"
_ALL = sql(f"{_HAND_IN} WHERE ({_AFTER}) ORDER BY h.declared_at, h.id LIMIT :limit", HandIn)
_OF_STATUS = sql(
    f"{_HAND_IN} WHERE h.status = :status AND ({_AFTER}) ORDER BY h.declared_at, h.id LIMIT :limit", HandIn
)
_ITEMS = sql(
    """
    SELECT d.order_id, d.order_number, d.collected_cents, d.declared_cents, c.counted_cents, m.id AS mismatch_id
    FROM cash_declarations d
    LEFT JOIN cash_counts c ON c.hand_in_id = d.hand_in_id AND c.order_id = d.order_id
    LEFT JOIN cash_mismatches m ON m.hand_in_id = d.hand_in_id AND m.order_id = d.order_id
    WHERE d.hand_in_id = :id ORDER BY d.order_number, d.order_id
    """,
    HandInItem,
)


def add_station(tx: Tx, *, station_id: uuid.UUID, name: str) -> Station | None:
    """Insert a station; returns it, or None when another one has that name."""
    return tx.execute(_ADD_STATION, {"id": station_id, "name": name, "now": tx.now}).one_or_none()


def stations(tx: Tx) -> list[Station]:
    """Return all stations by name."""
    return tx.execute(_STATIONS).all()


def find_station(tx: Tx, station_id: uuid.UUID) -> Station | None:
    """Return a station, or None."""
    return tx.execute(_FIND_STATION, {"id": station_id}).one_or_none()


def declare(
    tx: Tx,
    *,
    hand_in_id: uuid.UUID,
    station_id: uuid.UUID,
    currency: str,
    declarations: Sequence[Declared],
) -> None:
    """Insert the calling agent's hand-in with its orders."""
    values = {
        "id": hand_in_id,
        "agent": tx.principal.require_user,
        "station": station_id,
        "currency": currency,
        "declared": sum(each.declared_cents for each in declarations),
        "now": tx.now,
    }
    tx.execute(_ADD, values)
    tx.execute(
        _ADD_DECLARATIONS, {"rows": to_json({**asdict(each), "hand_in_id": hand_in_id} for each in declarations)}
    )


def lock(tx: Tx, hand_in_id: uuid.UUID) -> LockedHandIn | None:
    """Return a hand-in and keep it from changing until commit, or None."""
    return tx.execute(_LOCK, {"id": hand_in_id}).one_or_none()


def count(tx: Tx, hand_in_id: uuid.UUID, *, counted: Mapping[uuid.UUID, int], status: str) -> None:
    """Insert what was counted of a locked hand-in's orders."""
    rows = [{"hand_in_id": hand_in_id, "order_id": order, "counted_cents": cents} for order, cents in counted.items()]
    tx.execute(_ADD_COUNTS, {"rows": to_json(rows)})
    values = {"counted": sum(counted.values()), "now": tx.now, "user": tx.principal.require_user}
    tx.execute(_COUNTED, {"id": hand_in_id, "status": status, **values})


def set_status(tx: Tx, hand_in_id: uuid.UUID, *, status: str) -> None:
    """Set a locked hand-in's status."""
    tx.execute(_SET_STATUS, {"id": hand_in_id, "status": status})


def find(tx: Tx, hand_in_id: uuid.UUID) -> HandIn | None:
    """Return a hand-in, or None."""
    return tx.execute(_FIND, {"id": hand_in_id}).one_or_none()


def find_of_agent(tx: Tx, hand_in_id: uuid.UUID, agent_user_id: uuid.UUID) -> HandIn | None:
    """Return a hand-in that is an agent's own, or None."""
    return tx.execute(_FIND_OF_AGENT, {"id": hand_in_id, "agent": agent_user_id}).one_or_none()


def items_of(tx: Tx, hand_in_id: uuid.UUID) -> list[HandInItem]:
    """Return what was collected, declared and counted of each order of a hand-in."""
    return tx.execute(_ITEMS, {"id": hand_in_id}).all()


def page_of_agent(tx: Tx, agent_user_id: uuid.UUID, page: Page) -> list[HandIn]:
    """Return an agent's hand-ins, newest first, one more than the page."""
    return tx.execute(_OF_AGENT, {"agent": agent_user_id, **_keyset(page)}).all()


def page_of(tx: Tx, *, status: str, page: Page) -> list[HandIn]:
    """Return hand-ins of a status, or of any, oldest first, one more than the page."""
    if not status:
        return tx.execute(_ALL, _keyset(page)).all()
    return tx.execute(_OF_STATUS, {"status": status, **_keyset(page)}).all()


def declared_cursor(hand_in: HandIn) -> Cursor:
    """Return the sort key of hand-ins."""
    return Cursor(hand_in.declared_at, hand_in.id)


def _keyset(page: Page) -> dict[str, object]:
    after = page.after
    return {"limit": page.fetch, "at": after.at if after else None, "id": after.id if after else None}
