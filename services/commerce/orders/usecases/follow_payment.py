"""What happens to an order when finance reports on its money. Finance has decided already: nothing here refuses.

Each is idempotent and tolerates news that come late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.obs.logging import get_logger
from services.commerce.orders.data import orders
from services.commerce.orders.domain.order_state import (
    Action,
    HoldReason,
    OrderStatus,
    PaymentStatus,
    refund_status,
    targets,
)
from services.commerce.orders.usecases.change_state import change_state
from services.commerce.orders.usecases.lock_order import is_paid_for, lock_order

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx


def collect_cash(tx: Tx, *, order_id: uuid.UUID) -> None:
    """Note that the money is there: nothing is due any more, the status stays. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if not is_paid_for(order):
        orders.change(tx, order_id, payment_status=PaymentStatus.SETTLED.value, balance_due_cents=0)


def fail_payment(tx: Tx, *, order_id: uuid.UUID) -> None:
    """Put the order on hold because money and order disagree, remembering where it was. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if order.hold_reason == HoldReason.PAYMENT_MISMATCH or is_paid_for(order):
        return
    if not _may(order, Action.FAIL_PAYMENT):
        return
    change_state(
        tx,
        order,
        OrderStatus.HOLD,
        hold_reason=HoldReason.PAYMENT_MISMATCH.value,
        held_status=order.status,
        held_reason=order.hold_reason,
        payment_status=PaymentStatus.FAILED.value,
    )


def reopen_payment(tx: Tx, *, order_id: uuid.UUID) -> None:
    """Give the order back the status it was put on hold from; its payment is open again. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if order.hold_reason != HoldReason.PAYMENT_MISMATCH:
        return
    columns: dict[str, Any] = {"hold_reason": order.held_reason, "held_status": None, "held_reason": None}
    if not is_paid_for(order):
        columns["payment_status"] = PaymentStatus.UNPAID.value
    change_state(tx, order, OrderStatus(order.held_status), **columns)


def pay_vendor(tx: Tx, *, order_id: uuid.UUID, paid_at: datetime) -> None:
    """Close a delivered order whose vendor was paid; a second time after a payout came back. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if _is_before(paid_at, order.payout_returned_at):
        return
    if order.payment_status == PaymentStatus.PAID:
        if order.vendor_paid_at is None or order.vendor_paid_at < paid_at:
            # The news that came between the two payouts is late; when it comes it shall be the older one.
            orders.change(tx, order_id, vendor_paid_at=paid_at)
        return
    paid: dict[str, Any] = {
        "payment_status": PaymentStatus.PAID.value,
        "balance_due_cents": 0,
        "vendor_paid_at": paid_at,
        "payout_returned_at": None,
    }
    if order.status == OrderStatus.CLOSED or not _may(order, Action.PAY_VENDOR):
        orders.change(tx, order_id, **paid)
    else:
        change_state(tx, order, OrderStatus.CLOSED, closed_at=tx.now, **paid)


def return_payout(tx: Tx, *, order_id: uuid.UUID, returned_at: datetime) -> None:
    """Note that the vendor's money came back: a closed order stays closed, and is owed for again. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if _is_before(returned_at, order.vendor_paid_at) or order.payout_returned_at == returned_at:
        return
    orders.change(tx, order_id, payment_status=PaymentStatus.SETTLED.value, payout_returned_at=returned_at)


def refund_payment(tx: Tx, *, order_id: uuid.UUID, refunded_cents: int, credited_cents: int) -> None:
    """Note how much of the order's money went back or was not asked so far; a smaller sum is older news. Raises NotFound."""
    order = lock_order(tx, order_id=order_id)
    if refunded_cents <= order.refunded_cents:
        return
    status = refund_status(refunded_cents=refunded_cents, total_cents=order.total_cents)
    columns = {"refund_status": status.value, "refunded_cents": refunded_cents, "credited_cents": credited_cents}
    if not is_paid_for(order):
        columns["balance_due_cents"] = order.total_cents - credited_cents
    orders.change(tx, order_id, **columns)


def _is_before(instant: datetime, other: datetime | None) -> bool:
    return other is not None and instant < other


def _may(order: Any, action: Action) -> bool:
    if targets(action, OrderStatus(order.status)):
        return True
    get_logger().warning("commerce.payment_out_of_place", order_id=str(order.id), status=order.status, action=action)
    return False
