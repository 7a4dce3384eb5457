"""Money of an order goes back to its buyer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import orders, settlements
from services.commerce.orders.domain.moves import is_paid_for
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def refund_payment(tx: Tx, *, order_id: uuid.UUID, refunded_cents: int, credited_cents: int) -> None:
    """Note how much of the order's money went back, or need not be paid, so far. Raises NotFound.

    Sums only grow: a smaller or equal one was announced earlier and changes nothing. Raises ValueError for more than the order
    costs, which finance never lets go back.
    """
    order = lock_order(tx, order_id=order_id)
    if not settlements.note_refund(tx, order_id, refunded_cents=refunded_cents, credited_cents=credited_cents):
        return
    if refunded_cents > order.total_cents:
        raise ValueError(f"{refunded_cents} cents of an order of {order.total_cents} are said to have gone back")
    due = {} if is_paid_for(order) else {"balance_due_cents": order.total_cents - credited_cents}
    orders.change(tx, order_id, **due)
