"""Keep deliveries true to what commerce and finance report; assign an agent as soon as an order can be dispatched."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.fulfillment.events.v1 import fulfillment_events_pb2 as events
from meshkit import audit
from meshkit.ids import derived_id
from services.fulfillment.data import deliveries
from services.fulfillment.domain.assignment import AUTO_RANDOM, choose_agent, draw_note

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
    """Take over where an order stands; an order that is over leaves its agent's list."""
    order_id = uuid.UUID(order.order_id)
    deliveries.change_order(
        tx,
        order_id,
        order_version=order.version,
        order_status=order.status,
        hold_reason=order.hold_reason,
        shipping_status=order.shipping_status,
        total_cents=order.total_cents,
    )
    if order.status in _OVER:
        deliveries.finish(tx, order_id)


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
    announce_assignment(tx, order_id=order_id, agent_user_id=agent, reason=AUTO_RANDOM, version=version)


def announce_assignment(tx: Tx, *, order_id: uuid.UUID, agent_user_id: uuid.UUID, reason: str, version: int) -> None:
    """Tell the mesh who delivers an order; `version` says after how many assignments."""
    event = events.AgentAssigned(
        order_id=str(order_id), agent_user_id=str(agent_user_id), reason=reason, version=version
    )
    event.assigned_at.FromDatetime(tx.now)
    tx.emit(event)
