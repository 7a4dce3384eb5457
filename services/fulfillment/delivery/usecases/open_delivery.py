"""Take an order in as soon as it can be dispatched, and assign an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import audit
from meshkit.ids import derived_id
from services.fulfillment.delivery.data import agents, assignments, deliveries
from services.fulfillment.delivery.domain.assignment import AUTO_RANDOM, choose_agent, draw_note
from services.fulfillment.delivery.usecases.announce_assignment import announce_assignment

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.domain.order import NewDelivery


def open_delivery(tx: Tx, new: NewDelivery) -> None:
    """Take a dispatchable order in and give it to an agent; while there is none it waits in the queue."""
    order_id = new.order.order_id
    deliveries.upsert(tx, new)
    deliveries.lock(tx, order_id)
    known = deliveries.find_with_assignment(tx, order_id)
    if known is None or known.agent_user_id is None:
        _assign_at_random(tx, order_id)


def _assign_at_random(tx: Tx, order_id: uuid.UUID) -> None:
    candidates = agents.active(tx)
    agent = choose_agent(candidates, order_id=order_id)
    if agent is None:
        return
    note = draw_note(len(candidates))
    version = assignments.assign(
        tx,
        assignment_id=derived_id("assignment", order_id, AUTO_RANDOM),
        order_id=order_id,
        agent_user_id=agent,
        reason=AUTO_RANDOM,
        note=note,
    )
    after = {"agent_user_id": str(agent), "assignment": AUTO_RANDOM, "reason": note}
    audit.note(tx, action="delivery.assign", target=order_id, after=after)
    announce_assignment(tx, order_id=order_id, agent_user_id=agent, reason=AUTO_RANDOM, version=version)
