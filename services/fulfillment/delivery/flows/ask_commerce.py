"""What the flows of a delivery ask commerce, and what they record of its answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.usecases.record_steps import record_steps
from services.fulfillment.errors import DeliveryReassigned, DeliveryStateInvalid

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.fulfillment.delivery.data.deliveries import AgentDelivery
    from services.fulfillment.delivery.domain.order import Order
    from services.fulfillment.outbound.ports import Orders


def advance(flow: Flow, order_id: uuid.UUID, *, step: str, orders: Orders) -> Order:
    """Return the order after commerce took the step. Raises NotFound, DeliveryStateInvalid, DependencyUnavailable."""
    try:
        return orders.advance(flow.call, order_id, step=step, agent_user_id=flow.principal.require_user)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None


def read_order(
    flow: Flow, delivery: AgentDelivery, *, orders: Orders, taken_by: Callable[[Order], uuid.UUID | None]
) -> Order:
    """Return the order of a delivery that was taken away from the caller, if the caller had taken the step before.

    Raises DeliveryReassigned, NotFound, DependencyUnavailable.
    """
    try:
        order = orders.read(flow.call, delivery.order_id)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None
    if taken_by(order) != flow.principal.require_user:
        raise reassigned(delivery)
    return order


def reassigned(delivery: AgentDelivery) -> DeliveryReassigned:
    """Return the refusal for an agent from whom a delivery was taken away."""
    assert delivery.unassigned_at, "it was taken away"
    return DeliveryReassigned(reassigned_at=delivery.unassigned_at.isoformat())


def record_order(tx: Tx, order: Order, *, caller: uuid.UUID | None = None, step: str = "") -> None:
    """Bring the delivery to what commerce just answered, steps included; its event will find that done.

    Of steps taken before commerce began to record by whom, it does not say: then it was the caller, now.
    """
    deliveries.lock(tx, order.order_id)
    deliveries.change_order(tx, order)
    steps = order.steps
    if step == "pickup":
        steps = replace(steps, picked_up_by=steps.picked_up_by or caller, picked_up_at=steps.picked_up_at or tx.now)
    if step == "deliver":
        steps = replace(steps, delivered_by=steps.delivered_by or caller, delivered_at=steps.delivered_at or tx.now)
    record_steps(tx, steps, order_id=order.order_id)


def translate_refusal(refusal: RemoteRefusal) -> Exception:
    """Return commerce's refusal in fulfillment's words."""
    if refusal.code == "NOT_FOUND":
        return NotFound()
    if refusal.reason == "ORDER_STATE_INVALID":
        return DeliveryStateInvalid(
            state=refusal.metadata.get("state", ""), allowed=refusal.metadata.get("allowed", "")
        )
    return refusal
