"""Bring deliveries to newer versions of their orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import assignments, deliveries
from services.fulfillment.delivery.usecases.record_steps import record_steps

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.domain.order import Order


def follow_order(tx: Tx, order: Order) -> None:
    """Take over the state of an order; an order that is over leaves its agent's list.

    Steps that its agent's record lacks are completed: the agent may never ask again.
    """
    if deliveries.lock(tx, order.order_id) is None:
        return
    deliveries.change_order(tx, order)
    record_steps(tx, order.steps, order_id=order.order_id)
    if order.is_over:
        assignments.close(tx, order.order_id)
    deliveries.call_off_payment(tx, order.order_id)
