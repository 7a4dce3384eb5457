"""An administrator says which agent has, or had, the goods of an order: the record follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound, ValidationError
from meshkit.ids import new_id
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.assignment import ADMIN_OVERRIDE, PICKED_UP
from services.fulfillment.delivery.usecases.keep_steps import announce_assignment, steps_of

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def correct_delivery(tx: Tx, *, order_id: uuid.UUID, agent_user_id: uuid.UUID, reason: str) -> None:
    """Give the order to the agent, in whatever state it is. Raises NotFound, and ValidationError for no agent."""
    delivery = deliveries.lock(tx, order_id)
    if delivery is None:
        raise NotFound
    if not deliveries.is_active_agent(tx, agent_user_id):
        raise ValidationError.of("agent_user_id", "is not an active delivery agent")
    before = deliveries.find_with_assignment(tx, order_id)
    assert before is not None, "it is locked"
    if before.agent_user_id != agent_user_id:
        _give(tx, before, agent_user_id, reason)
    _complete(tx, delivery)
    after = deliveries.find_with_assignment(tx, order_id)
    tx.audit(target=order_id, before=_told(before), after={**_told(after), "reason": reason})


def _give(tx: Tx, before: Any, agent_user_id: uuid.UUID, reason: str) -> None:
    # Who collected the cash carries it still: finance knows.
    steps = {**steps_of(before), "cash_pickup_time": None} if before.agent_user_id else {}
    version = deliveries.assign(
        tx,
        assignment_id=new_id(),
        order_id=before.order_id,
        agent_user_id=agent_user_id,
        reason=ADMIN_OVERRIDE,
        note=reason,
        assigned_by_user_id=tx.principal.require_user,
        **steps,
    )
    if before.agent_user_id and not before.active:
        deliveries.finish(tx, before.order_id)
    announce_assignment(
        tx,
        order_id=before.order_id,
        agent_user_id=agent_user_id,
        reason=ADMIN_OVERRIDE,
        version=version,
        at=tx.now,
    )


def _complete(tx: Tx, delivery: Any) -> None:
    holder = deliveries.find_with_assignment(tx, delivery.order_id)
    assert holder is not None, "it was given to somebody"
    if delivery.shipping_status in PICKED_UP:
        deliveries.note_step(tx, holder.assignment_id, column="pickup_time", at=tx.now)
    if delivery.shipping_status == "delivered":
        deliveries.note_step(tx, holder.assignment_id, column="delivery_time", at=tx.now)


def _told(held: Any) -> dict[str, Any]:
    return {
        "agent_user_id": str(held.agent_user_id) if held.agent_user_id else None,
        "picked_up": held.pickup_time is not None,
        "delivered": held.delivery_time is not None,
    }
