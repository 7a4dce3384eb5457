"""SQL about vendor orders and their lines. An order's row is locked before anything of it changes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import or_, select, text, tuple_, update

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.searching import contains
from meshkit.db.sql import sql
from services.commerce.orders.data.order_rows import OWN_COLUMNS, WHOLE_ORDERS, own_columns, whole_orders
from services.commerce.orders.domain.order import Line, LockedOrder, Order
from services.commerce.orders.domain.order_state import ACTIONABLE, LINE_TRANSITIONS, only_target
from services.commerce.schema.base import one_of
from services.commerce.schema.orders import order_line_items, vendor_orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.order_filter import OrderFilter
    from services.commerce.orders.domain.order_state import Action, LineStatus, Move
    from services.commerce.orders.domain.planned_order import PlannedLine, PlannedOrder


class PlacedOrder(NamedTuple):
    """An order that was just written, and its number."""

    id: uuid.UUID
    order_number: int


_NUMBER_DIGITS = 18
# Columns that the database or a later change fills.
_LATER = {
    "order_number", "held_status", "held_reason", "cancel_reason", "created_at", "updated_at",
    "fulfilled_at", "delivered_at", "canceled_at", "closed_at", "pending_nudged_at", "expired_at",
    "buyer_nudged_at", "internal_notes",
}  # fmt: skip
_ORDER_COLUMNS = [column.name for column in vendor_orders.c if column.name not in _LATER]
_ADD_ORDERS = insert_rows(
    vendor_orders,
    _ORDER_COLUMNS,
    constants={"created_at": ":now", "updated_at": ":now"},
    rows="orders",
)
_ADD_LINES = insert_rows(
    order_line_items, [column.name for column in order_line_items.c if column.name not in _LATER], rows="lines"
)
# Lines may come before their orders, because foreign keys are checked at the end of the statement.
_ADD = sql(f"WITH lines AS ({_ADD_LINES}) {_ADD_ORDERS} RETURNING {{columns}}", PlacedOrder)
_FOUND = f"WITH o AS (SELECT {OWN_COLUMNS} FROM vendor_orders WHERE {{condition}}) {WHOLE_ORDERS}"  # noqa: S608
_FIND = sql(
    _FOUND.format(
        condition="id = :id AND (CAST(:party AS uuid) IS NULL"
        " OR CAST(:party AS uuid) IN (buyer_store_id, vendor_store_id))"
    ),
    Order,
)
_LOCK = sql(
    """
    SELECT {columns} FROM vendor_orders
    WHERE id = :id AND (CAST(:buyer AS uuid) IS NULL OR buyer_store_id = CAST(:buyer AS uuid))
      AND (CAST(:vendor AS uuid) IS NULL OR vendor_store_id = CAST(:vendor AS uuid))
    FOR UPDATE
    """,
    LockedOrder,
)
_OF_IDS = sql(_FOUND.format(condition="id = ANY(CAST(:ids AS uuid[]))"), Order)
_OF_GROUP = sql(_FOUND.format(condition="checkout_group_id = :group_id") + " ORDER BY o.order_number", Order)
_LINES_OF = sql(
    "SELECT {columns} FROM order_line_items WHERE order_id = ANY(CAST(:order_ids AS uuid[]))"
    " ORDER BY order_id, position",
    Line,
)
_CHANGED = f"WITH o AS (UPDATE vendor_orders SET {{changes}} WHERE id = :id RETURNING {OWN_COLUMNS}) {WHOLE_ORDERS}"  # noqa: S608
_SET_INTERNAL_NOTES = sql(_CHANGED.format(changes="internal_notes = :notes, updated_at = :now"), Order)
_NOTE_NUDGE = sql(_CHANGED.format(changes="buyer_nudged_at = :now, updated_at = :now"), Order)
_MOVE_LINES = sql("UPDATE order_line_items SET status = :status WHERE order_id = :order_id AND status = ANY(:before)")
_DECIDE_LINE = sql("UPDATE order_line_items SET status = :status, notes = :notes WHERE id = :id")


def add(tx: Tx, orders: Iterable[PlannedOrder], lines: Iterable[PlannedLine]) -> dict[uuid.UUID, int]:
    """Insert a checkout's orders and lines in one statement; returns the order numbers by order id."""
    rows = [{name: getattr(order, name) for name in _ORDER_COLUMNS} for order in orders]
    parameters = {"orders": to_json(rows), "lines": to_json(map(vars, lines)), "now": tx.now}
    return {order.id: order.order_number for order in tx.execute(_ADD, parameters)}


def find(tx: Tx, order_id: uuid.UUID, *, party: uuid.UUID | None = None) -> Order | None:
    """Return an order, or None; with `party` only if that store bought or sold it."""
    return tx.execute(_FIND, {"id": order_id, "party": party}).one_or_none()


def of_ids(tx: Tx, order_ids: Sequence[uuid.UUID]) -> list[Order]:
    """Return those of some orders that exist."""
    return tx.execute(_OF_IDS, {"ids": list(order_ids)}).all()


def lock(
    tx: Tx, order_id: uuid.UUID, *, buyer: uuid.UUID | None = None, vendor: uuid.UUID | None = None
) -> LockedOrder | None:
    """Return what decides about an order and keep it from changing until commit, or None; with a party only if it is that store's."""
    return tx.execute(_LOCK, {"id": order_id, "buyer": buyer, "vendor": vendor}).one_or_none()


def move(tx: Tx, order_id: uuid.UUID, step: Move, **columns: object) -> Order:
    """Write the status to which a move leads a locked order, with other columns; returns the order with its raised version."""
    return _change(tx, order_id, {**columns, "status": step.after.value})


def change(tx: Tx, order_id: uuid.UUID, **columns: object) -> Order:
    """Change a locked order, which keeps its status; returns it with its raised version."""
    assert "status" not in columns, "a status is written by a move"
    return _change(tx, order_id, columns)


def _change(tx: Tx, order_id: uuid.UUID, columns: Mapping[str, object]) -> Order:
    changed = (
        update(vendor_orders)
        .where(vendor_orders.c.id == order_id)
        .values(version=vendor_orders.c.version + 1, updated_at=tx.now, **columns)
        .returning(*own_columns())
    )
    return tx.fetch(whole_orders(changed), Order).one()


def lines(tx: Tx, order_id: uuid.UUID) -> list[Line]:
    """Return an order's lines, in the order of the cart."""
    return lines_of(tx, [order_id])[order_id]


def lines_of(tx: Tx, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Line]]:
    """Return the lines of several orders, by order, in the order of the cart."""
    found: dict[uuid.UUID, list[Line]] = {order_id: [] for order_id in order_ids}
    for line in tx.execute(_LINES_OF, {"order_ids": list(order_ids)}):
        found[line.order_id].append(line)
    return found


def move_lines(tx: Tx, order_id: uuid.UUID, action: Action) -> None:
    """Move all lines of a locked order that an action moves."""
    moves = LINE_TRANSITIONS[action]
    parameters = {"order_id": order_id, "before": [each.value for each in moves], "status": only_target(moves).value}
    tx.execute(_MOVE_LINES, parameters)


def set_internal_notes(tx: Tx, order_id: uuid.UUID, notes: str) -> Order:
    """Keep what a vendor wants to remember about a locked order; its version stays. Returns the order."""
    return tx.execute(_SET_INTERNAL_NOTES, {"id": order_id, "notes": notes, "now": tx.now}).one()


def note_nudge(tx: Tx, order_id: uuid.UUID) -> Order:
    """Remember that the buyer of a locked order asked for a decision; its version stays. Returns the order."""
    return tx.execute(_NOTE_NUDGE, {"id": order_id, "now": tx.now}).one()


def decide_line(tx: Tx, line_id: uuid.UUID, *, status: LineStatus, notes: str) -> None:
    """Write what was decided about one line of a locked order."""
    tx.execute(_DECIDE_LINE, {"id": line_id, "status": status.value, "notes": notes})


def of_group(tx: Tx, group_id: uuid.UUID) -> list[Order]:
    """Return the orders of a checkout, in the order they were numbered."""
    return tx.execute(_OF_GROUP, {"group_id": group_id}).all()


def page_bought(tx: Tx, store_id: uuid.UUID, page: Page, wanted: OrderFilter) -> list[Order]:
    """Return what a store bought, newest first, one more than the page."""
    mine = vendor_orders.c.buyer_store_id == store_id
    return _page(tx, [mine, *_conditions(wanted, vendor_orders.c.vendor_store_name)], page)


def page_sold(tx: Tx, store_id: uuid.UUID, page: Page, wanted: OrderFilter) -> list[Order]:
    """Return what a store sold, newest first, one more than the page."""
    conditions = [vendor_orders.c.vendor_store_id == store_id, *_conditions(wanted, vendor_orders.c.buyer_store_name)]
    if wanted.actionable:
        # As literals: the partial index is used only when the planner sees its own predicate.
        conditions.append(text(one_of("status", ACTIONABLE)))  # type: ignore[arg-type]
    if wanted.actionable_statuses:
        conditions.append(vendor_orders.c.status.in_(wanted.actionable_statuses))
    return _page(tx, conditions, page)


def _conditions(wanted: OrderFilter, other_name: ColumnElement[str]) -> list[ColumnElement[bool]]:
    columns = (
        (vendor_orders.c.status, wanted.statuses),
        (vendor_orders.c.fulfillment_status, wanted.fulfillment),
        (vendor_orders.c.shipping_status, wanted.shipping),
        (vendor_orders.c.payment_status, wanted.payment),
    )
    conditions: list[ColumnElement[bool]] = [column.in_(values) for column, values in columns if values]
    if wanted.created_from is not None:
        conditions.append(vendor_orders.c.created_at >= wanted.created_from)
    if wanted.created_to is not None:
        conditions.append(vendor_orders.c.created_at < wanted.created_to)
    if wanted.text:
        named = text(contains(f"vendor_orders.{other_name.name}", ":wanted_text")).bindparams(wanted_text=wanted.text)
        # No order number has more digits, and the column could not be compared with one.
        is_number = wanted.text.isascii() and wanted.text.isdigit() and len(wanted.text) <= _NUMBER_DIGITS
        conditions.append(or_(named, vendor_orders.c.order_number == int(wanted.text)) if is_number else named)  # type: ignore[arg-type]
    return conditions


def _page(tx: Tx, conditions: Sequence[ColumnElement[bool]], page: Page) -> list[Order]:
    found = select(*own_columns()).where(*conditions)
    if page.after:
        key = tuple_(vendor_orders.c.created_at, vendor_orders.c.id)
        found = found.where(key < (page.after.at, page.after.id))
    found = found.order_by(vendor_orders.c.created_at.desc(), vendor_orders.c.id.desc()).limit(page.fetch)
    return tx.fetch(whole_orders(found).order_by(text("o.created_at DESC, o.id DESC")), Order).all()


def cursor_of(order: Order) -> Cursor:
    """Return the sort key of an order."""
    return Cursor(order.created_at, order.id)
