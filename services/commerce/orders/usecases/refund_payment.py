"""Money of an order goes back to its buyer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import is_paid_for
from services.commerce.orders.domain.order_state import refund_status
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def refund_payment(tx: Tx, *, order_id: uuid.UUID, refunded_cents: int, credited_cents: int) -> None:
    """Note how much of the order's money went back, or need not be paid, so far. Raises NotFound.

    Sums only grow: a smaller or equal one was announced earlier and changes nothing.
    """
    order = lock_order(tx, order_id=order_id)
    if refunded_cents <= order.refunded_cents:
        return
    status = refund_status(refunded_cents=refunded_cents, total_cents=order.total_cents)
    columns: dict[str, object] = {
        "refund_status": status.value,
        "refunded_cents": refunded_cents,
        "credited_cents": credited_cents,
    }
    if not is_paid_for(order):
        columns["balance_due_cents"] = order.total_cents - credited_cents
    orders.change(tx, order_id, **columns)
