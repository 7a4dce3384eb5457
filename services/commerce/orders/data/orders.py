"""SQL about vendor orders and their lines. An order's row is locked before anything of it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, text, tuple_, update

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.searching import contains
from meshkit.db.sql import sql
from services.commerce.orders.domain.order_state import ACTIONABLE
from services.commerce.schema.base import one_of
from services.commerce.schema.orders import order_line_items, vendor_orders

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.commerce.checkout.domain.order_plan import PlannedLine, PlannedOrder
    from services.commerce.orders.domain.order_filter import OrderFilter

_NUMBER_DIGITS = 18
# Columns that the database or a later change fills.
_LATER = {
    "order_number", "held_status", "held_reason", "cancel_reason", "created_at", "updated_at",
    "fulfilled_at", "delivered_at", "canceled_at", "closed_at", "pending_nudged_at", "expired_at",
    "buyer_nudged_at", "refund_status", "refunded_cents", "vendor_paid_at", "payout_returned_at",
    "credited_cents", "internal_notes", "picked_up_at", "picked_up_by", "delivered_by",
}  # fmt: skip
_ADD_ORDERS = insert_rows(
    vendor_orders,
    [column.name for column in vendor_orders.c if column.name not in _LATER],
    constants="created_at = :now, updated_at = :now",
    rows="orders",
)
_ADD_LINES = insert_rows(
    order_line_items, [column.name for column in order_line_items.c if column.name not in _LATER], rows="lines"
)
# Foreign keys are looked at when the statement has ended.
_ADD = sql(f"WITH lines AS ({_ADD_LINES}) {_ADD_ORDERS} RETURNING id, order_number")
_SET_LINES = sql("UPDATE order_line_items SET status = :status WHERE order_id = :order_id AND status = ANY(:before)")
_NOTE_NUDGE = sql("UPDATE vendor_orders SET buyer_nudged_at = :now, updated_at = :now WHERE id = :id")
_DECIDE_LINE = sql("UPDATE order_line_items SET status = :status, notes = :notes WHERE id = :id")


def add(tx: Tx, orders: Iterable[PlannedOrder], lines: Iterable[PlannedLine]) -> dict[uuid.UUID, int]:
    """Insert a checkout's orders and lines in one statement; returns the order numbers by order id."""
    parameters = {"orders": to_json(map(vars, orders)), "lines": to_json(map(vars, lines)), "now": tx.now}
    return {row.id: row.order_number for row in tx.execute(_ADD, parameters)}


def find(tx: Tx, order_id: uuid.UUID, *, party: uuid.UUID | None = None) -> Any | None:
    """Return an order, or None; with `party` only if that store bought or sold it."""
    statement = select(vendor_orders).where(vendor_orders.c.id == order_id)
    if party is not None:
        statement = statement.where(
            or_(vendor_orders.c.buyer_store_id == party, vendor_orders.c.vendor_store_id == party)
        )
    return tx.execute(statement).one_or_none()


def of_ids(tx: Tx, order_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Return those of some orders that exist."""
    rows: Sequence[Any] = tx.execute(select(vendor_orders).where(vendor_orders.c.id.in_(order_ids))).all()
    return rows


def lock(tx: Tx, order_id: uuid.UUID, *, buyer: uuid.UUID | None = None, vendor: uuid.UUID | None = None) -> Any | None:
    """Return an order and keep it from changing until commit, or None; with a party only if it is that store's."""
    statement = select(vendor_orders).where(vendor_orders.c.id == order_id)
    if buyer is not None:
        statement = statement.where(vendor_orders.c.buyer_store_id == buyer)
    if vendor is not None:
        statement = statement.where(vendor_orders.c.vendor_store_id == vendor)
    return tx.execute(statement.with_for_update()).one_or_none()


def change(tx: Tx, order_id: uuid.UUID, **columns: Any) -> Any:
    """Change a locked order; returns the row with its raised version."""
    statement = (
        update(vendor_orders)
        .where(vendor_orders.c.id == order_id)
        .values(version=vendor_orders.c.version + 1, updated_at=tx.now, **columns)
        .returning(vendor_orders)
    )
    return tx.execute(statement).one()


def lines(tx: Tx, order_id: uuid.UUID) -> list[Any]:
    """Return an order's lines, in the order of the cart."""
    return lines_of(tx, [order_id])[order_id]


def lines_of(tx: Tx, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Any]]:
    """Return the lines of several orders, by order, in the order of the cart."""
    found: dict[uuid.UUID, list[Any]] = {order_id: [] for order_id in order_ids}
    statement = (
        select(order_line_items)
        .where(order_line_items.c.order_id.in_(order_ids))
        .order_by(order_line_items.c.order_id, order_line_items.c.position)
    )
    for row in tx.execute(statement):
        found[row.order_id].append(row)
    return found


def set_lines(tx: Tx, order_id: uuid.UUID, *, before: Sequence[str], status: str) -> None:
    """Move all lines of a locked order that are in one of the states `before`."""
    tx.execute(_SET_LINES, {"order_id": order_id, "before": list(before), "status": status})


def set_internal_notes(tx: Tx, order_id: uuid.UUID, notes: str) -> Any:
    """Keep what a vendor wants to remember about a locked order; its version stays. Returns the row."""
    statement = (
        update(vendor_orders)
        .where(vendor_orders.c.id == order_id)
        .values(internal_notes=notes, updated_at=tx.now)
        .returning(vendor_orders)
    )
    return tx.execute(statement).one()


def note_nudge(tx: Tx, order_id: uuid.UUID) -> None:
    """Remember that the buyer of a locked order asked for a decision; its version stays."""
    tx.execute(_NOTE_NUDGE, {"id": order_id, "now": tx.now})


def decide_line(tx: Tx, line_id: uuid.UUID, *, status: str, notes: str) -> None:
    """Move one line of a locked order."""
    tx.execute(_DECIDE_LINE, {"id": line_id, "status": status, "notes": notes})


def of_group(tx: Tx, group_id: uuid.UUID) -> Sequence[Any]:
    """Return the orders of a checkout, in the order they were numbered."""
    statement = (
        select(vendor_orders)
        .where(vendor_orders.c.checkout_group_id == group_id)
        .order_by(vendor_orders.c.order_number)
    )
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def page_bought(tx: Tx, store_id: uuid.UUID, page: Page, wanted: OrderFilter) -> Sequence[Any]:
    """Return what a store bought, newest first, one more than the page."""
    mine = vendor_orders.c.buyer_store_id == store_id
    return _page(tx, [mine, *_conditions(wanted, vendor_orders.c.vendor_store_name)], page)


def page_sold(tx: Tx, store_id: uuid.UUID, page: Page, wanted: OrderFilter) -> Sequence[Any]:
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
        # Longer numbers are no order's.
        is_number = wanted.text.isascii() and wanted.text.isdigit() and len(wanted.text) <= _NUMBER_DIGITS
        conditions.append(or_(named, vendor_orders.c.order_number == int(wanted.text)) if is_number else named)  # type: ignore[arg-type]
    return conditions


def _page(tx: Tx, conditions: Sequence[ColumnElement[bool]], page: Page) -> Sequence[Any]:
    statement = select(vendor_orders).where(*conditions)
    if page.after:
        key = tuple_(vendor_orders.c.created_at, vendor_orders.c.id)
        statement = statement.where(key < (page.after.at, page.after.id))
    statement = statement.order_by(vendor_orders.c.created_at.desc(), vendor_orders.c.id.desc()).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def cursor_of(row: Any) -> Cursor:
    """Return the sort key of an order."""
    return Cursor(row.created_at, row.id)
