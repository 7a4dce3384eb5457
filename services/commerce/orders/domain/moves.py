"""Whether an order may make a move now, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.errors import OrderStateInvalid
from services.commerce.orders.domain.order_state import (
    RECEIVED,
    Action,
    HoldReason,
    OrderStatus,
    find_move,
    sources,
    targets,
)

if TYPE_CHECKING:
    from services.commerce.orders.domain.order import LockedOrder, Order
    from services.commerce.orders.domain.order_state import Move


def require_move(
    order: LockedOrder | Order, action: Action, *, status: str | None = None, to: OrderStatus | None = None
) -> Move:
    """Return the move that an action makes now; `to` says which, where the table has several.

    `status` replaces the order's own where what a payment hold interrupted counts. Raises OrderStateInvalid.
    """
    move = find_move(action, OrderStatus(status or order.status), to=to)
    if move is None:
        raise OrderStateInvalid(state=state_of(order), allowed=sources(action))
    return move


def require_allowed(order: LockedOrder | Order, action: Action, *, status: str | None) -> None:
    """Raise OrderStateInvalid where the table has no move for an action at all; `status` as in `require_move`."""
    if not targets(action, OrderStatus(status or order.status)):
        raise OrderStateInvalid(state=state_of(order), allowed=sources(action))


def require_no_mismatch(order: LockedOrder | Order, action: Action) -> None:
    """Raise OrderStateInvalid while money and order disagree."""
    if order.hold_reason == HoldReason.PAYMENT_MISMATCH:
        raise OrderStateInvalid(state=state_of(order), allowed=sources(action))


def require_no_money_received(order: LockedOrder | Order, action: Action) -> None:
    """Raise OrderStateInvalid once the order is paid for: what it costs is settled, only a refund can change it."""
    if is_paid_for(order):
        raise OrderStateInvalid(
            "The order is paid for; a refund is needed first.",
            state=f"{order.status} ({order.payment_status})",
            allowed=f"{sources(action)}, while unpaid",
        )


def is_paid_for(order: LockedOrder | Order) -> bool:
    """Return whether finance has the money."""
    return order.payment_status in RECEIVED


def state_of(order: LockedOrder | Order) -> str:
    """Return the state as a refusal names it."""
    return f"{order.status} ({order.hold_reason})" if order.hold_reason else order.status
