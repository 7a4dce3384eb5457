"""Take hold of an order and ask its state table whether something may happen to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.commerce.errors import OrderStateInvalid
from services.commerce.orders.data import orders
from services.commerce.orders.domain.order_state import Action, HoldReason, OrderStatus, PaymentStatus, sources, targets

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

_RECEIVED = (PaymentStatus.SETTLED, PaymentStatus.PAID)


def lock_order(tx: Tx, *, order_id: uuid.UUID, buyer: uuid.UUID | None = None, vendor: uuid.UUID | None = None) -> Any:
    """Return the locked order. Raises NotFound, also for an order of other parties than the given one."""
    order = orders.lock(tx, order_id, buyer=buyer, vendor=vendor)
    if order is None:
        raise NotFound
    return order


def require(order: Any, action: Action, *, status: str | None = None, to: OrderStatus | None = None) -> None:
    """Raise OrderStateInvalid unless the action may happen now, and lead to `to` if that is given.

    `status` replaces the order's own where what a hold interrupted counts.
    """
    allowed = targets(action, OrderStatus(status or order.status))
    if not allowed or (to is not None and to not in allowed):
        raise OrderStateInvalid(state=state_of(order), allowed=sources(action))


def require_no_mismatch(order: Any, action: Action) -> None:
    """Raise OrderStateInvalid while money and order disagree."""
    if order.hold_reason == HoldReason.PAYMENT_MISMATCH:
        raise OrderStateInvalid(state=state_of(order), allowed=sources(action))


def require_no_money_received(order: Any, action: Action) -> None:
    """Raise OrderStateInvalid once the order is paid for: what it costs is settled, only a refund can change it."""
    if order.payment_status in _RECEIVED:
        raise OrderStateInvalid(
            "The order is paid for; a refund is needed first.",
            state=f"{order.status} ({order.payment_status})",
            allowed=f"{sources(action)}, while unpaid",
        )


def is_paid_for(order: Any) -> bool:
    """Return whether finance has the money."""
    return order.payment_status in _RECEIVED


def state_of(order: Any) -> str:
    """Return the state as a refusal names it."""
    return f"{order.status} ({order.hold_reason})" if order.hold_reason else str(order.status)
