"""What the flows of a delivery ask commerce, and what they keep of its answer."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING, Any

from marketmesh.commerce.v1 import order_pb2
from meshkit.errors import NotFound
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.assignment import Steps
from services.fulfillment.delivery.usecases.keep_steps import keep_steps
from services.fulfillment.errors import DeliveryReassigned, DeliveryStateInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Orders


def advance(flow: Flow, order_id: uuid.UUID, *, step: str, orders: Orders) -> order_pb2.Order:
    """Return the order after commerce took the step. Raises NotFound, DeliveryStateInvalid, DependencyUnavailable."""
    try:
        return orders.advance(flow.call, order_id, step=step, agent_user_id=flow.principal.require_user)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None


def read_order(
    flow: Flow, known: Any, *, orders: Orders, taken_by: Callable[[order_pb2.Order], uuid.UUID | None]
) -> order_pb2.Order:
    """Return the order of a delivery that was taken away from the caller, if the caller had taken the step before.

    Raises DeliveryReassigned, NotFound, DependencyUnavailable.
    """
    try:
        order = orders.read(flow.call, known.order_id)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None
    if taken_by(order) != flow.principal.require_user:
        raise reassigned(known)
    return order


def reassigned(known: Any) -> DeliveryReassigned:
    """Return the refusal that tells an agent what became of its order."""
    return DeliveryReassigned(reassigned_at=known.unassigned_at.isoformat())


def keep_order(tx: Tx, order: order_pb2.Order, *, caller: uuid.UUID | None = None, step: str = "") -> None:
    """Bring the delivery to what commerce just answered, steps included; its event will find that done.

    Commerce does not know who took a step before it recorded that: then it was the caller, now.
    """
    order_id = uuid.UUID(order.order_id)
    deliveries.lock(tx, order_id)
    deliveries.change_order(
        tx,
        order_id,
        order_version=order.version,
        order_status=status_name(order),
        hold_reason=_name(order_pb2.HoldReason.Value, order.hold_reason),
        shipping_status=_name(order_pb2.ShippingStatus.Value, order.shipping_status),
        total_cents=order.total_cents,
    )
    told = steps_of_order(order)
    picked_up_by, picked_up_at = told.picked_up_by, told.picked_up_at
    delivered_by, delivered_at = told.delivered_by, told.delivered_at
    if step == "pickup":
        picked_up_by, picked_up_at = picked_up_by or caller, picked_up_at or tx.now
    if step == "deliver":
        delivered_by, delivered_at = delivered_by or caller, delivered_at or tx.now
    keep_steps(tx, order_id, Steps(picked_up_by, picked_up_at, delivered_by, delivered_at))


def steps_of_order(order: order_pb2.Order) -> Steps:
    """Return what commerce recorded of a delivery."""
    steps = order.delivery_steps
    return Steps(
        picked_up_by=uuid.UUID(steps.picked_up_by_user_id) if steps.picked_up_by_user_id else None,
        picked_up_at=steps.picked_up_at.ToDatetime(tzinfo=UTC) if steps.HasField("picked_up_at") else None,
        delivered_by=uuid.UUID(steps.delivered_by_user_id) if steps.delivered_by_user_id else None,
        delivered_at=steps.delivered_at.ToDatetime(tzinfo=UTC) if steps.HasField("delivered_at") else None,
    )


def status_name(order: order_pb2.Order) -> str:
    """Return an order's status as text."""
    return _name(order_pb2.OrderStatus.Value, order.status)


def translate_refusal(refusal: RemoteRefusal) -> Exception:
    """Return commerce's refusal in fulfillment's words."""
    if refusal.code == "NOT_FOUND":
        return NotFound()
    if refusal.reason == "ORDER_STATE_INVALID":
        return DeliveryStateInvalid(
            state=refusal.metadata.get("state", ""), allowed=refusal.metadata.get("allowed", "")
        )
    return refusal


def _name(enum: Any, value: int) -> str:
    return str(enum.Name(value)) if value else ""
