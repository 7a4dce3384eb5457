"""Finance found that money and order disagree, or put that in order again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.domain.moves import is_paid_for
from services.commerce.orders.domain.order_state import Action, HoldReason, OrderStatus, PaymentStatus
from services.commerce.orders.usecases.change_state import change_state
from services.commerce.orders.usecases.find_move_or_warn import find_move_or_warn
from services.commerce.orders.usecases.lock_order import lock_order

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def fail_payment(tx: Tx, *, order_id: uuid.UUID) -> None:
    """Put the order on hold, remembering where it was. A repeat changes nothing. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if order.hold_reason == HoldReason.PAYMENT_MISMATCH or is_paid_for(order):
        return
    move = find_move_or_warn(order, action=Action.FAIL_PAYMENT)
    if move is None:
        return
    change_state(
        tx,
        order,
        move=move,
        hold_reason=HoldReason.PAYMENT_MISMATCH.value,
        held_status=order.status,
        held_reason=order.hold_reason,
        payment_status=PaymentStatus.FAILED.value,
    )


def reopen_payment(tx: Tx, *, order_id: uuid.UUID) -> None:
    """Take the order back to where the hold interrupted it; its payment is open again.

    A repeat changes nothing, nor does news of an order that was not held, because it was paid for or called off. Raises NotFound.
    """
    order = lock_order(tx, order_id=order_id)
    if order.hold_reason != HoldReason.PAYMENT_MISMATCH:
        return
    assert order.held_status is not None, "vendor_orders_held_status_check: no such hold forgets what it interrupted"
    move = find_move_or_warn(order, action=Action.REOPEN_PAYMENT, to=OrderStatus(order.held_status))
    if move is None:
        return
    columns: dict[str, object] = {"hold_reason": order.held_reason, "held_status": None, "held_reason": None}
    if not is_paid_for(order):
        columns["payment_status"] = PaymentStatus.UNPAID.value
    change_state(tx, order, move=move, **columns)
