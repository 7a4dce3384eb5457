"""SQL about reservations. Every movement changes reservation and inventory rows in one statement."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql
from services.catalog.stock.domain.reservations import ReservationState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from meshkit.db.sql import Sql
    from meshkit.db.tx import Tx
    from services.catalog.stock.domain.reservations import Line, Refusal


class Reservation(NamedTuple):
    """What became of an order line that wanted stock."""

    line_id: uuid.UUID
    group_id: uuid.UUID
    order_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int
    state: str
    reason: str
    expires_at: datetime | None


class DueReservation(NamedTuple):
    """A reservation past its time."""

    line_id: uuid.UUID
    group_id: uuid.UUID
    product_id: uuid.UUID


class SettledReservation(NamedTuple):
    """A reservation whose stock has just moved on."""

    line_id: uuid.UUID
    group_id: uuid.UUID
    order_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int


_OF_GROUP = sql("SELECT {columns} FROM reservations WHERE group_id = :group_id", Reservation)
_OF_ORDER = sql("SELECT {columns} FROM reservations WHERE order_id = :order_id ORDER BY line_id", Reservation)
_DUE = sql(
    "SELECT {columns} FROM reservations WHERE state = 'reserved' AND expires_at <= :now ORDER BY expires_at LIMIT :limit",
    DueReservation,
)
# Only an expired reservation is ever written a second time.
_WRITE_TEXT = """
    WITH written AS (
        INSERT INTO reservations
            (line_id, group_id, order_id, product_id, quantity, state, reason, expires_at, created_at, updated_at)
        SELECT w.line_id, :group_id, w.order_id, w.product_id, w.quantity,
               CASE w.reason WHEN '' THEN 'reserved' ELSE 'refused' END, w.reason, :expires_at, :now, :now
        FROM unnest(CAST(:line_ids AS uuid[]), CAST(:order_ids AS uuid[]), CAST(:product_ids AS uuid[]),
                    CAST(:quantities AS integer[]), CAST(:reasons AS text[]))
             AS w (line_id, order_id, product_id, quantity, reason)
        {condition}
        ON CONFLICT ON CONSTRAINT reservations_pk DO UPDATE
            SET state = excluded.state, reason = excluded.reason, expires_at = excluded.expires_at,
                updated_at = excluded.updated_at
            WHERE reservations.state = 'expired' AND reservations.group_id = excluded.group_id
        RETURNING line_id, product_id, quantity, state
    ), sums AS (
        SELECT product_id, sum(quantity) AS quantity FROM written WHERE state = 'reserved' GROUP BY product_id
    ), moved AS (
        UPDATE inventory_items i
        SET available_qty = i.available_qty - s.quantity, reserved_qty = i.reserved_qty + s.quantity, updated_at = :now
        FROM sums s WHERE i.product_id = s.product_id
    )
    SELECT line_id FROM written
"""
_WRITE = sql(_WRITE_TEXT.format(condition=""), uuid.UUID)
# The stock is locked by now, so a repeat that ran at the same time and was first has committed, and is seen.
_WRITE_NEW = sql(
    _WRITE_TEXT.format(condition="WHERE NOT EXISTS (SELECT 1 FROM reservations r WHERE r.group_id = :group_id)"),
    uuid.UUID,
)
_SETTLE = """
    WITH chosen AS (
        SELECT line_id FROM reservations
        WHERE line_id = ANY(CAST(:line_ids AS uuid[])) AND (state = 'reserved') IS TRUE {condition}
    ), settled AS (
        UPDATE reservations r SET state = :state, updated_at = :now
        FROM chosen c WHERE r.line_id = c.line_id AND (r.state = 'reserved') IS TRUE
        RETURNING r.line_id, r.group_id, r.order_id, r.product_id, r.quantity
    ), sums AS (
        SELECT product_id, sum(quantity) AS quantity FROM settled GROUP BY product_id
    ), moved AS (
        UPDATE inventory_items i
        SET reserved_qty = i.reserved_qty - s.quantity, {target} = i.{target} + s.quantity, updated_at = :now
        FROM sums s WHERE i.product_id = s.product_id
    )
    SELECT line_id, group_id, order_id, product_id, quantity FROM settled ORDER BY line_id
"""
_RELEASE = sql(_SETTLE.format(condition="", target="available_qty"), SettledReservation)
_CONSUME = sql(_SETTLE.format(condition="", target="consumed_qty"), SettledReservation)
# Takes only what is due and no other transaction has locked.
_EXPIRE = sql(
    _SETTLE.format(condition="AND expires_at <= :now FOR UPDATE SKIP LOCKED", target="available_qty"),
    SettledReservation,
)

# "IS TRUE" keeps the planner from the partial index over everything reserved, which it takes for small while statistics
# are older than the last few thousand orders.
_CONFIRM = sql(
    "UPDATE reservations SET expires_at = NULL, updated_at = :now"
    " WHERE line_id = ANY(CAST(:line_ids AS uuid[])) AND (state = 'reserved') IS TRUE RETURNING line_id",
    uuid.UUID,
)
_RELEASE_EXPIRED = sql(
    "UPDATE reservations SET state = 'released', updated_at = :now"
    " WHERE line_id = ANY(CAST(:line_ids AS uuid[])) AND state = 'expired'"
)
# All lines of an order or none: an order of which a line is amiss is left for `follow_order`, and nothing of it is locked.
_CONFIRM_ORDERS = sql(
    """
    WITH wanted AS (
        SELECT w.line_id, w.order_id FROM unnest(CAST(:line_ids AS uuid[]), CAST(:order_ids AS uuid[]))
             AS w (line_id, order_id)
    ), amiss AS (
        SELECT w.order_id FROM wanted w
        LEFT JOIN reservations r ON r.line_id = w.line_id AND (r.state = 'reserved') IS TRUE
        WHERE r.line_id IS NULL
        UNION
        SELECT r.order_id FROM reservations r
        WHERE r.line_id = ANY(CAST(:rejected_line_ids AS uuid[])) AND (r.state IN ('reserved', 'expired')) IS TRUE
    )
    UPDATE reservations r SET expires_at = NULL, updated_at = :now
    FROM wanted w
    WHERE r.line_id = w.line_id AND (r.state = 'reserved') IS TRUE AND w.order_id NOT IN (SELECT a.order_id FROM amiss a)
    RETURNING r.line_id
    """,
    uuid.UUID,
)


def of_group(tx: Tx, group_id: uuid.UUID) -> dict[uuid.UUID, Reservation]:
    """Return a group's reservations by line."""
    return {row.line_id: row for row in tx.execute(_OF_GROUP, {"group_id": group_id})}


def of_order(tx: Tx, order_id: uuid.UUID) -> dict[uuid.UUID, Reservation]:
    """Return an order's reservations by line."""
    return {row.line_id: row for row in tx.execute(_OF_ORDER, {"order_id": order_id})}


def write(
    tx: Tx,
    group_id: uuid.UUID,
    lines: Sequence[Line],
    refusals: Sequence[Refusal | None],
    *,
    expires_at: datetime | None,
) -> set[uuid.UUID]:
    """Write the outcome of each line (None: reserved) and move the stock; the products' inventory must be locked.

    Returns the lines written: those that have a reservation which has not expired, or one of another group, are not.
    """
    return set(tx.execute(_WRITE, _columns(tx, group_id, lines, refusals, expires_at)))


def write_new(
    tx: Tx,
    group_id: uuid.UUID,
    lines: Sequence[Line],
    refusals: Sequence[Refusal | None],
    *,
    expires_at: datetime,
) -> bool:
    """Write a group's outcomes as `write` does, unless it has some already; returns whether it wrote them."""
    written = tx.execute(_WRITE_NEW, _columns(tx, group_id, lines, refusals, expires_at)).all()
    return len(written) == len(lines)


def _columns(
    tx: Tx,
    group_id: uuid.UUID,
    lines: Sequence[Line],
    refusals: Sequence[Refusal | None],
    expires_at: datetime | None,
) -> dict[str, object]:
    return {
        "group_id": group_id,
        "expires_at": expires_at,
        "now": tx.now,
        "line_ids": [line.line_id for line in lines],
        "order_ids": [line.order_id for line in lines],
        "product_ids": [line.product_id for line in lines],
        "quantities": [line.quantity for line in lines],
        "reasons": [refusal.value if refusal else "" for refusal in refusals],
    }


def release(tx: Tx, line_ids: Sequence[uuid.UUID]) -> list[SettledReservation]:
    """Give back what the lines still hold; their inventory must be locked. Returns the lines that did."""
    return _settle(tx, _RELEASE, line_ids, ReservationState.RELEASED)


def consume(tx: Tx, line_ids: Sequence[uuid.UUID]) -> list[SettledReservation]:
    """Count what the lines still hold as consumed; their inventory must be locked. Returns the lines that did."""
    return _settle(tx, _CONSUME, line_ids, ReservationState.CONSUMED)


def expire(tx: Tx, line_ids: Sequence[uuid.UUID]) -> list[SettledReservation]:
    """Give back what the lines hold past their time; their inventory must be locked. Returns the lines that did."""
    return _settle(tx, _EXPIRE, line_ids, ReservationState.EXPIRED)


def due(tx: Tx, *, limit: int) -> list[DueReservation]:
    """Return reservations past their time, the longest overdue first."""
    return tx.execute(_DUE, {"now": tx.now, "limit": limit}).all()


def confirm_orders(tx: Tx, wanted: Mapping[uuid.UUID, uuid.UUID], *, rejected: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Take the expiry from the lines of those orders that hold all of theirs and none of the rejected ones.

    `wanted` says which order a line belongs to. Returns the lines that were confirmed.
    """
    parameters = {
        "line_ids": list(wanted),
        "order_ids": list(wanted.values()),
        "rejected_line_ids": list(rejected),
        "now": tx.now,
    }
    return set(tx.execute(_CONFIRM_ORDERS, parameters))


def confirm(tx: Tx, line_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Take the expiry from reservations; returns the lines that were still reserved."""
    if not line_ids:
        return set()
    return set(tx.execute(_CONFIRM, {"line_ids": line_ids, "now": tx.now}))


def release_expired(tx: Tx, line_ids: Sequence[uuid.UUID]) -> None:
    """Mark expired lines of an order that is over as released: they are never reserved again."""
    if line_ids:
        tx.execute(_RELEASE_EXPIRED, {"line_ids": line_ids, "now": tx.now})


def _settle(
    tx: Tx, statement: Sql[SettledReservation], line_ids: Sequence[uuid.UUID], state: ReservationState
) -> list[SettledReservation]:
    return tx.execute(statement, {"line_ids": list(line_ids), "state": state.value, "now": tx.now}).all()
