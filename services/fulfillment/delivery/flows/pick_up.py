"""Pick up: commerce decides whether the order may move, then the agent's own record follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from meshkit.errors import MeshError
from services.fulfillment.delivery.data import assignments
from services.fulfillment.delivery.flows.ask_commerce import advance, read_order, record_order
from services.fulfillment.delivery.usecases.lock_my_assignment import lock_my_assignment
from services.fulfillment.delivery.usecases.read_my_assignment import read_my_assignment

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.fulfillment.delivery.data.deliveries import AgentDelivery
    from services.fulfillment.delivery.domain.order import Order
    from services.fulfillment.outbound.ports import Orders


def pick_up(flow: Flow, *, order_id: uuid.UUID, orders: Orders, respond: Callable[[AgentDelivery], Message]) -> Message:
    """Put the calling agent's order on its way; again keeps the first time.

    While commerce has not answered, administrators cannot give the order to another agent. Raises NotFound for another agent's
    order, DeliveryReassigned, DeliveryStateInvalid, DependencyUnavailable.
    """
    with flow.transaction() as tx:
        before = lock_my_assignment(tx, order_id=order_id)
        if before.pickup_time is None and before.unassigned_at is None:
            assignments.begin_pickup(tx, before.assignment_id, at=tx.now)
    order = None
    if before.pickup_time is None:
        order = _advance(flow, before, orders=orders)
    with flow.transaction() as tx:
        if order is not None:
            record_order(tx, order, caller=flow.principal.require_user, step="pickup")
            assignments.begin_pickup(tx, before.assignment_id, at=None)
        mine = read_my_assignment(tx, order_id=order_id)
        tx.audit(target=order_id, after={"step": "pickup", "order_status": mine.order_status})
        return flow.complete(tx, respond(mine))


def _advance(flow: Flow, delivery: AgentDelivery, *, orders: Orders) -> Order:
    if delivery.unassigned_at is not None:
        return read_order(flow, delivery, orders=orders, taken_by=lambda order: order.steps.picked_up_by)
    try:
        return advance(flow, delivery.order_id, step="pickup", orders=orders)
    except MeshError as error:
        if not error.retryable:
            with flow.transaction() as tx:
                assignments.begin_pickup(tx, delivery.assignment_id, at=None)
        raise
