"""Which move of an order follows from finance's news. Finance has decided already, so nothing is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.obs.logging import get_logger
from services.commerce.orders.domain.order_state import OrderStatus, find_move

if TYPE_CHECKING:
    from services.commerce.orders.domain.order import LockedOrder
    from services.commerce.orders.domain.order_state import Action, Move


def find_move_or_warn(order: LockedOrder, *, action: Action, to: OrderStatus | None = None) -> Move | None:
    """Return the move, or None with a warning where the table has none: then the order stays where it is."""
    move = find_move(action, OrderStatus(order.status), to=to)
    if move is None:
        get_logger().warning(
            "commerce.payment_out_of_place", order_id=str(order.id), status=order.status, action=action
        )
    return move
