"""Give a delivery to a certain agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound, ValidationError
from meshkit.ids import new_id
from services.fulfillment.delivery.data import agents, assignments, deliveries
from services.fulfillment.delivery.domain.assignment import (
    ADMIN_OVERRIDE,
    DISPATCHABLE_STATES,
    PICKUP_RUNS_FOR,
    is_dispatchable,
    state_in_words,
)
from services.fulfillment.delivery.usecases.announce_assignment import announce_assignment
from services.fulfillment.errors import DeliveryStateInvalid, PickupRunning

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import Delivery


def assign_agent(tx: Tx, *, order_id: uuid.UUID, agent_user_id: uuid.UUID, reason: str) -> Delivery:
    """Return the delivery with its new agent.

    The agent who has it may be picking it up at this moment: then it stays with that agent. Raises NotFound, DeliveryStateInvalid,
    PickupRunning, and ValidationError for a user who is no active agent.
    """
    delivery = deliveries.lock(tx, order_id)
    if delivery is None:
        raise NotFound
    if not is_dispatchable(delivery.order_status, delivery.shipping_status):
        state = state_in_words(delivery.order_status, delivery.shipping_status)
        raise DeliveryStateInvalid(state=state, allowed=", ".join(DISPATCHABLE_STATES))
    if not agents.is_active(tx, agent_user_id):
        raise ValidationError.of("agent_user_id", "is not an active delivery agent")
    before = deliveries.find_with_assignment(tx, order_id)
    assert before is not None, "it is locked"
    if before.agent_user_id != agent_user_id:
        _require_no_pickup(tx, before)
        version = assignments.assign(
            tx,
            assignment_id=new_id(),
            order_id=order_id,
            agent_user_id=agent_user_id,
            reason=ADMIN_OVERRIDE,
            note=reason,
            assigned_by_user_id=tx.principal.require_user,
        )
        announce_assignment(tx, order_id=order_id, agent_user_id=agent_user_id, reason=ADMIN_OVERRIDE, version=version)
    tx.audit(
        target=order_id,
        before={"agent_user_id": str(before.agent_user_id) if before.agent_user_id else None},
        after={"agent_user_id": str(agent_user_id), "reason": reason},
    )
    after = deliveries.find_with_assignment(tx, order_id)
    assert after is not None, "it is locked"
    return after


def _require_no_pickup(tx: Tx, held: Delivery) -> None:
    if held.agent_user_id is None:
        return
    if held.pickup_time is not None:
        # Its agent has it; commerce's event about that is still on its way.
        raise DeliveryStateInvalid(state="in_transit", allowed=", ".join(DISPATCHABLE_STATES))
    begun = held.pickup_begun_at
    if begun is not None and begun > tx.now - PICKUP_RUNS_FOR:
        raise PickupRunning(since=begun.isoformat())
