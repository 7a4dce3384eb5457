"""SQL about vendor orders and their lines. An order's row is locked before anything of it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, text, tuple_, update

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.sql import sql
from services.commerce.data.tables import ACTIONABLE, one_of, order_line_items, vendor_orders

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.commerce.domain.order_plan import PlannedLine, PlannedOrder

# Columns that the database or a later change fills.
_LATER = {
    "order_number", "held_status", "held_reason", "cancel_reason", "created_at", "updated_at",
    "fulfilled_at", "delivered_at", "canceled_at", "closed_at", "pending_nudged_at", "expired_at",
    "buyer_nudged_at",
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


def page_bought(tx: Tx, store_id: uuid.UUID, page: Page, *, statuses: Sequence[str]) -> Sequence[Any]:
    """Return what a store bought, newest first, one more than the page; only the given statuses, if any."""
    return _page(tx, vendor_orders.c.buyer_store_id == store_id, page, statuses)


def page_sold(tx: Tx, store_id: uuid.UUID, page: Page, *, statuses: Sequence[str], actionable: bool) -> Sequence[Any]:
    """Return what a store sold, newest first, one more than the page; `actionable`: only what waits for the vendor."""
    mine = vendor_orders.c.vendor_store_id == store_id
    if actionable:
        # As literals: the partial index is used only when the planner sees its own predicate.
        mine = mine & text(one_of("status", ACTIONABLE))
    return _page(tx, mine, page, statuses)


def _page(tx: Tx, mine: ColumnElement[bool], page: Page, statuses: Sequence[str]) -> Sequence[Any]:
    statement = select(vendor_orders).where(mine)
    if statuses:
        statement = statement.where(vendor_orders.c.status.in_(statuses))
    if page.after:
        key = tuple_(vendor_orders.c.created_at, vendor_orders.c.id)
        statement = statement.where(key < (page.after.at, page.after.id))
    statement = statement.order_by(vendor_orders.c.created_at.desc(), vendor_orders.c.id.desc()).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def cursor_of(row: Any) -> Cursor:
    """Return the sort key of an order."""
    return Cursor(row.created_at, row.id)
