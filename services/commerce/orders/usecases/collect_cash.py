"""Finance has the money of an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import orders
from services.commerce.orders.domain.moves import is_paid_for
from services.commerce.orders.domain.order_state import Action, PaymentStatus
from services.commerce.orders.usecases.find_move_or_warn import find_move_or_warn
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def collect_cash(tx: Tx, *, order_id: uuid.UUID) -> None:
    """Note that nothing is due any more, in whatever state the order is. A repeat changes nothing. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if is_paid_for(order):
        return
    settled: dict[str, object] = {"payment_status": PaymentStatus.SETTLED.value, "balance_due_cents": 0}
    move = find_move_or_warn(order, action=Action.COLLECT_CASH)
    if move is None:
        orders.change(tx, order_id, **settled)
    else:
        orders.move(tx, order_id, move, **settled)
