"""An administrator says which agent has, or had, the goods of an order: the record follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound, ValidationError
from meshkit.ids import new_id
from services.fulfillment.delivery.data import agents, assignments, deliveries
from services.fulfillment.delivery.domain.assignment import ADMIN_OVERRIDE, PICKED_UP
from services.fulfillment.delivery.usecases.announce_assignment import announce_assignment
from services.fulfillment.delivery.usecases.record_steps import steps_of

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import Delivery


def correct_delivery(tx: Tx, *, order_id: uuid.UUID, agent_user_id: uuid.UUID, reason: str) -> None:
    """Give the order to the agent, in whatever state it is. Raises NotFound, and ValidationError for no agent."""
    delivery = deliveries.lock(tx, order_id)
    if delivery is None:
        raise NotFound
    if not agents.is_active(tx, agent_user_id):
        raise ValidationError.of("agent_user_id", "is not an active delivery agent")
    before = deliveries.find_with_assignment(tx, order_id)
    assert before is not None, "it is locked"
    if before.agent_user_id != agent_user_id:
        _give(tx, before, agent_user_id, reason)
    _complete(tx, order_id, delivery.shipping_status)
    after = deliveries.find_with_assignment(tx, order_id)
    assert after is not None, "it is locked"
    tx.audit(target=order_id, before=_audited(before), after={**_audited(after), "reason": reason})


def _give(tx: Tx, before: Delivery, agent_user_id: uuid.UUID, reason: str) -> None:
    # The cash stays with the agent who collected it: finance records that.
    steps = steps_of(before) if before.agent_user_id else None
    if steps:
        steps["cash_pickup_time"] = None
    version = assignments.assign(
        tx,
        assignment_id=new_id(),
        order_id=before.order_id,
        agent_user_id=agent_user_id,
        reason=ADMIN_OVERRIDE,
        note=reason,
        assigned_by_user_id=tx.principal.require_user,
        steps=steps,
    )
    if before.agent_user_id and not before.active:
        assignments.close(tx, before.order_id)
    announce_assignment(
        tx,
        order_id=before.order_id,
        agent_user_id=agent_user_id,
        reason=ADMIN_OVERRIDE,
        version=version,
    )


def _complete(tx: Tx, order_id: uuid.UUID, shipping_status: str) -> None:
    """Record the steps that the order has behind it, unless they are on record."""
    holder = deliveries.find_with_assignment(tx, order_id)
    assert holder is not None, "it is locked"
    assert holder.assignment_id is not None, "it is the agent's"
    if shipping_status in PICKED_UP:
        assignments.note_step(tx, holder.assignment_id, column="pickup_time", at=tx.now)
    if shipping_status == "delivered":
        assignments.note_step(tx, holder.assignment_id, column="delivery_time", at=tx.now)


def _audited(held: Delivery) -> dict[str, object]:
    return {
        "agent_user_id": str(held.agent_user_id) if held.agent_user_id else None,
        "picked_up": held.pickup_time is not None,
        "delivered": held.delivery_time is not None,
    }
