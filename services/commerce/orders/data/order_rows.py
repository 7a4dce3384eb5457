"""How an order is read: its own row, and what stands elsewhere of it.

Rows of `vendor_orders` are found, or changed, in a statement called `o`; the rest is joined to these few by key. An order is not
locked here: what stands elsewhere would be that of before the wait for the lock. It is read by a later statement, or with a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from services.commerce.orders.domain.order import Order
from services.commerce.schema.orders import vendor_orders

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.sql.dml import ReturningUpdate

_ELSEWHERE = {
    "shipping_address": "c.shipping_address",
    "shipping_line": "c.shipping_line",
    "notes": "c.notes",
    "retry_of": "r.order_id AS retry_of",
    "refunded_cents": "coalesce(s.refunded_cents, 0) AS refunded_cents",
    "credited_cents": "coalesce(s.credited_cents, 0) AS credited_cents",
    "vendor_paid_at": "s.vendor_paid_at",
    "payout_returned_at": "s.payout_returned_at",
    "picked_up_at": "d.picked_up_at",
    "picked_up_by": "d.picked_up_by",
    "delivered_by": "d.delivered_by",
}
_COLUMNS = ", ".join(_ELSEWHERE.get(name, f"o.{name}") for name in Order._fields)
_TABLES = """
    o JOIN cart_records c ON c.id = o.cart_id
    LEFT JOIN order_retries r ON r.checkout_group_id = o.checkout_group_id
    LEFT JOIN order_settlements s ON s.order_id = o.id
    LEFT JOIN order_delivery_steps d ON d.order_id = o.id
"""
_OWN = [name for name in Order._fields if name not in _ELSEWHERE]

# What a statement called `o` has to give, and what makes whole orders of it.
OWN_COLUMNS = ", ".join(_OWN)
WHOLE_ORDERS = f"SELECT {_COLUMNS} FROM {_TABLES}"  # noqa: S608


def own_columns() -> list[ColumnElement[Any]]:
    """Return OWN_COLUMNS for Core."""
    return [vendor_orders.c[name] for name in _OWN]


def whole_orders(found: Select[Any] | ReturningUpdate[Any]) -> Select[Any]:
    """Return WHOLE_ORDERS for Core: of the rows that a statement finds or changes."""
    return select(text(_COLUMNS)).select_from(text(_TABLES)).add_cte(found.cte("o"))
