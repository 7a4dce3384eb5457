"""Pick up: commerce decides whether the order may move, then the agent's own record follows."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from marketmesh.commerce.v1 import order_pb2
from meshkit.errors import NotFound
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.data import deliveries
from services.fulfillment.errors import DeliveryStateInvalid
from services.fulfillment.usecases.read_deliveries import read_my_delivery

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Orders


def pick_up(flow: Flow, *, order_id: uuid.UUID, orders: Orders, respond: Callable[[Any], Message]) -> Message:
    """Put the calling agent's order on its way; again keeps the first time.

    Raises NotFound for another agent's order, DeliveryStateInvalid, DependencyUnavailable.
    """
    agent = flow.principal.require_user
    with flow.read() as tx:
        read_my_delivery(tx, order_id=order_id)
    order = advance(flow, order_id, step="pickup", orders=orders)
    with flow.transaction() as tx:
        deliveries.note_step(tx, order_id, agent, column="pickup_time")
        take_over_order(tx, order)
        tx.audit(target=order_id, after={"step": "pickup", "order_status": status_name(order)})
        return flow.complete(tx, respond(read_my_delivery(tx, order_id=order_id)))


def advance(flow: Flow, order_id: uuid.UUID, *, step: str, orders: Orders) -> order_pb2.Order:
    """Return the order after commerce took the step. Raises NotFound, DeliveryStateInvalid, DependencyUnavailable."""
    try:
        return orders.advance(flow.call, order_id, step=step, agent_user_id=flow.principal.require_user)
    except RemoteRefusal as refusal:
        raise translate_refusal(refusal) from None


def take_over_order(tx: Any, order: order_pb2.Order) -> None:
    """Bring the delivery to what commerce just answered; its event will find that done."""
    deliveries.change_order(
        tx,
        uuid.UUID(order.order_id),
        order_version=order.version,
        order_status=status_name(order),
        hold_reason=_name(order_pb2.HoldReason.Value, order.hold_reason),
        shipping_status=_name(order_pb2.ShippingStatus.Value, order.shipping_status),
        total_cents=order.total_cents,
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
