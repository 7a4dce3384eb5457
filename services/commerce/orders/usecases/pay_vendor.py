"""The vendor of an order is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import orders, settlements
from services.commerce.orders.domain.order_state import Action, PaymentStatus
from services.commerce.orders.usecases.change_state import change_state
from services.commerce.orders.usecases.find_move_or_warn import find_move_or_warn
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx


def pay_vendor(tx: Tx, *, order_id: uuid.UUID, paid_at: datetime) -> None:
    """Close a delivered order whose vendor was paid; note a second payout after the first came back. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if not settlements.note_payout(tx, order_id, paid_at=paid_at):
        return
    if order.payment_status == PaymentStatus.PAID:
        # The return between the two payouts is announced later, and is then older than this payout.
        orders.change(tx, order_id)
        return
    paid: dict[str, object] = {"payment_status": PaymentStatus.PAID.value, "balance_due_cents": 0}
    move = find_move_or_warn(order, action=Action.PAY_VENDOR)
    if move is None or move.stays:
        orders.change(tx, order_id, **paid)
    else:
        change_state(tx, order, move=move, closed_at=tx.now, **paid)
