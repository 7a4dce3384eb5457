"""Pick up: commerce decides whether the order may move, then the agent's own record follows."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from meshkit.crash import crash_point
from meshkit.errors import MeshError
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.flows.ask_commerce import advance, keep_order, read_order, steps_of_order
from services.fulfillment.delivery.usecases.read_deliveries import lock_my_delivery, read_ever_mine

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from marketmesh.commerce.v1 import order_pb2
    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Orders


def pick_up(flow: Flow, *, order_id: uuid.UUID, orders: Orders, respond: Callable[[Any], Message]) -> Message:
    """Put the calling agent's order on its way; again keeps the first time.

    Agent and administrators who give the order to somebody else take turns: from here on nobody else is given it, until
    commerce has answered. Raises NotFound for another agent's order, DeliveryReassigned, DeliveryStateInvalid,
    DependencyUnavailable.
    """
    with flow.transaction() as tx:
        known = lock_my_delivery(tx, order_id=order_id)
        if known.pickup_time is None and known.unassigned_at is None:
            deliveries.begin_pickup(tx, known.assignment_id, at=tx.now)
    order = None
    if known.pickup_time is None:
        order = _take(flow, known, orders=orders)
    crash_point("pickup.advanced")
    with flow.transaction() as tx:
        if order is not None:
            keep_order(tx, order, caller=flow.principal.require_user, step="pickup")
            deliveries.begin_pickup(tx, known.assignment_id, at=None)
        mine = read_ever_mine(tx, order_id=order_id)
        tx.audit(target=order_id, after={"step": "pickup", "order_status": mine.order_status})
        return flow.complete(tx, respond(mine))


def _take(flow: Flow, known: Any, *, orders: Orders) -> order_pb2.Order:
    if known.unassigned_at is not None:
        return read_order(flow, known, orders=orders, taken_by=lambda order: steps_of_order(order).picked_up_by)
    try:
        return advance(flow, known.order_id, step="pickup", orders=orders)
    except MeshError as error:
        if not error.retryable:
            with flow.transaction() as tx:
                deliveries.begin_pickup(tx, known.assignment_id, at=None)
        raise
