"""Keep deliveries true to what commerce and finance report; assign an agent as soon as an order can be dispatched."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from meshkit import audit
from meshkit.ids import derived_id
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.assignment import AUTO_RANDOM, Steps, choose_agent, draw_note
from services.fulfillment.delivery.usecases.keep_steps import announce_assignment, keep_steps

if TYPE_CHECKING:
    from marketmesh.commerce.events.v1.commerce_events_pb2 import OrderSnapshot
    from meshkit.db.tx import Tx

# After these nobody has anything to do with the order any more.
_OVER = {"closed", "canceled", "rejected", "expired"}
_SURVIVING_LINES = {"pending", "accepted", "fulfilled", "hold"}


def open_delivery(tx: Tx, order: OrderSnapshot) -> None:
    """Take a dispatchable order in and give it to an agent; without one it waits in the queue."""
    order_id = uuid.UUID(order.order_id)
    deliveries.put(
        tx,
        order_id=order_id,
        order_number=order.order_number,
        order_version=order.version,
        order_status=order.status,
        hold_reason=order.hold_reason,
        shipping_status=order.shipping_status,
        payment_status="unpaid" if order.payment_method == "cash" else "pending",
        payment_method=order.payment_method,
        currency=order.currency,
        total_cents=order.total_cents,
        total_items=sum(line.qty for line in order.lines if line.status in _SURVIVING_LINES),
        buyer_store_id=uuid.UUID(order.buyer_store_id),
        buyer_store_name=order.buyer_store_name,
        vendor_store_id=uuid.UUID(order.vendor_store_id),
        vendor_store_name=order.vendor_store_name,
        created_at=order.created_at.ToDatetime(tzinfo=tx.now.tzinfo),
    )
    deliveries.lock(tx, order_id)
    known = deliveries.find_with_assignment(tx, order_id)
    if known is None or known.agent_user_id is None:
        _assign_somebody(tx, order_id)


def follow_order(tx: Tx, order: OrderSnapshot) -> None:
    """Take over where an order stands; an order that is over leaves its agent's list.

    Steps that its agent's record lacks are completed: the agent may never ask again.
    """
    order_id = uuid.UUID(order.order_id)
    if deliveries.lock(tx, order_id) is None:
        return
    deliveries.change_order(
        tx,
        order_id,
        order_version=order.version,
        order_status=order.status,
        hold_reason=order.hold_reason,
        shipping_status=order.shipping_status,
        total_cents=order.total_cents,
    )
    keep_steps(tx, order_id, _steps(tx, order))
    if order.status in _OVER:
        deliveries.finish(tx, order_id)
    deliveries.call_off_payment(tx, order_id)


def _steps(tx: Tx, order: OrderSnapshot) -> Steps:
    zone = tx.now.tzinfo
    return Steps(
        picked_up_by=uuid.UUID(order.picked_up_by_user_id) if order.picked_up_by_user_id else None,
        picked_up_at=order.picked_up_at.ToDatetime(tzinfo=zone) if order.HasField("picked_up_at") else None,
        delivered_by=uuid.UUID(order.delivered_by_user_id) if order.delivered_by_user_id else None,
        delivered_at=order.delivered_at.ToDatetime(tzinfo=zone) if order.HasField("delivered_at") else None,
    )


def _assign_somebody(tx: Tx, order_id: uuid.UUID) -> None:
    agents = deliveries.active_agents(tx)
    agent = choose_agent(agents, order_id=order_id)
    if agent is None:
        return
    note = draw_note(len(agents))
    version = deliveries.assign(
        tx,
        assignment_id=derived_id("assignment", order_id, AUTO_RANDOM),
        order_id=order_id,
        agent_user_id=agent,
        reason=AUTO_RANDOM,
        note=note,
    )
    told = {"agent_user_id": str(agent), "assignment": AUTO_RANDOM, "reason": note}
    audit.note(tx, action="delivery.assign", target=order_id, after=told)
    announce_assignment(tx, order_id=order_id, agent_user_id=agent, reason=AUTO_RANDOM, version=version, at=tx.now)
