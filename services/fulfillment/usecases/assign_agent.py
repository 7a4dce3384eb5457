"""Give a delivery to a certain agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound, ValidationError
from meshkit.ids import new_id
from services.fulfillment.data import deliveries
from services.fulfillment.domain.assignment import ADMIN_OVERRIDE, DISPATCHABLE_STATES
from services.fulfillment.errors import DeliveryStateInvalid
from services.fulfillment.usecases.follow_order import announce_assignment

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def assign_agent(tx: Tx, *, order_id: uuid.UUID, agent_user_id: uuid.UUID, reason: str) -> Any:
    """Return the delivery with its new agent.

    Raises NotFound, DeliveryStateInvalid, and ValidationError for somebody who is no agent.
    """
    delivery = deliveries.lock(tx, order_id)
    if delivery is None:
        raise NotFound
    if delivery.order_status not in DISPATCHABLE_STATES:
        raise DeliveryStateInvalid(state=delivery.order_status, allowed=", ".join(DISPATCHABLE_STATES))
    if not deliveries.is_active_agent(tx, agent_user_id):
        raise ValidationError.of("agent_user_id", "is not an active delivery agent")
    before = deliveries.find_with_assignment(tx, order_id)
    if before is None or before.agent_user_id != agent_user_id:
        version = deliveries.assign(
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
        before={"agent_user_id": str(before.agent_user_id) if before and before.agent_user_id else None},
        after={"agent_user_id": str(agent_user_id), "reason": reason},
    )
    return deliveries.find_with_assignment(tx, order_id)
