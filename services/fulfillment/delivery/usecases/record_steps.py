"""Complete an agent's record with what commerce recorded of a delivery, be it from an answer or from an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import audit
from meshkit.ids import derived_id
from services.fulfillment.delivery.data import assignments, deliveries
from services.fulfillment.delivery.domain.assignment import STEP_TAKEN
from services.fulfillment.delivery.usecases.announce_assignment import announce_assignment

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.assignments import StepColumns
    from services.fulfillment.delivery.data.deliveries import AnyDelivery
    from services.fulfillment.delivery.domain.order import Steps


def record_steps(tx: Tx, steps: Steps, *, order_id: uuid.UUID) -> None:
    """Record steps that are not on record yet. The delivery must be locked.

    Who has taken a step has the goods: if the order was given to another agent meanwhile, it is given back.
    """
    _record(tx, order_id, "pickup_time", agent=steps.picked_up_by, at=steps.picked_up_at)
    _record(tx, order_id, "delivery_time", agent=steps.delivered_by, at=steps.delivered_at)


def _record(tx: Tx, order_id: uuid.UUID, column: str, *, agent: uuid.UUID | None, at: datetime | None) -> None:
    if agent is None or at is None:
        return
    holder = deliveries.find_with_assignment(tx, order_id)
    if holder is None:
        return
    known_at = holder.pickup_time if column == "pickup_time" else holder.delivery_time
    if holder.agent_user_id is not None and known_at is not None:
        return
    if holder.agent_user_id != agent:
        _give_back(tx, holder, agent, step=column)
        holder = deliveries.find_with_assignment(tx, order_id)
    assert holder is not None, "it is locked"
    assert holder.assignment_id is not None, "it is the agent's"
    assignments.note_step(tx, holder.assignment_id, column=column, at=at)


def _give_back(tx: Tx, holder: AnyDelivery, agent: uuid.UUID, *, step: str) -> None:
    own = deliveries.find_ever_of_agent(tx, holder.order_id, agent)
    version = assignments.assign(
        tx,
        assignment_id=derived_id("assignment", holder.order_id, STEP_TAKEN, step),
        order_id=holder.order_id,
        agent_user_id=agent,
        reason=STEP_TAKEN,
        note="had taken the order before it was given to somebody else",
        steps=steps_of(own) if own else None,
    )
    audit.note(
        tx,
        action="delivery.assign",
        target=holder.order_id,
        after={"agent_user_id": str(agent), "assignment": STEP_TAKEN, "taken_from": str(holder.agent_user_id or "")},
    )
    announce_assignment(tx, order_id=holder.order_id, agent_user_id=agent, reason=STEP_TAKEN, version=version)


def steps_of(delivery: AnyDelivery) -> StepColumns:
    """Return what of a delivery's assignment goes with the goods to the agent who has them next."""
    return {
        "pickup_time": delivery.pickup_time,
        "delivery_time": delivery.delivery_time,
        "cash_pickup_time": delivery.cash_pickup_time,
        "proof_kind": delivery.proof_kind,
        "proof_media_id": delivery.proof_media_id,
    }
