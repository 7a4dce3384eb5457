"""Complete an agent's record from what commerce recorded of a delivery, whoever tells it: an answer or an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.fulfillment.events.v1 import fulfillment_events_pb2 as events
from meshkit import audit
from meshkit.ids import derived_id
from services.fulfillment.delivery.data import deliveries
from services.fulfillment.delivery.domain.assignment import STEP_TAKEN

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.domain.assignment import Steps


def keep_steps(tx: Tx, order_id: uuid.UUID, steps: Steps) -> None:
    """Note steps that are not on record yet. The delivery must be locked.

    Who has taken a step has the goods: if the order was given to somebody else meanwhile, it is given back.
    """
    for column, agent, at in (
        ("pickup_time", steps.picked_up_by, steps.picked_up_at),
        ("delivery_time", steps.delivered_by, steps.delivered_at),
    ):
        holder = deliveries.find_with_assignment(tx, order_id)
        if holder is None or agent is None or at is None or (holder.agent_user_id and getattr(holder, column)):
            continue
        if holder.agent_user_id != agent:
            _give_back(tx, holder, agent, step=column)
            holder = deliveries.find_with_assignment(tx, order_id)
            assert holder is not None, "it was given to somebody just now"
        deliveries.note_step(tx, holder.assignment_id, column=column, at=at)


def _give_back(tx: Tx, holder: Any, agent: uuid.UUID, *, step: str) -> None:
    own = deliveries.find_ever_of_agent(tx, holder.order_id, agent)
    version = deliveries.assign(
        tx,
        assignment_id=derived_id("assignment", holder.order_id, STEP_TAKEN, step),
        order_id=holder.order_id,
        agent_user_id=agent,
        reason=STEP_TAKEN,
        note="had taken the order before it was given to somebody else",
        **(steps_of(own) if own else {}),
    )
    audit.note(
        tx,
        action="delivery.assign",
        target=holder.order_id,
        after={"agent_user_id": str(agent), "assignment": STEP_TAKEN, "taken_from": str(holder.agent_user_id or "")},
    )
    announce_assignment(
        tx, order_id=holder.order_id, agent_user_id=agent, reason=STEP_TAKEN, version=version, at=tx.now
    )


def steps_of(assignment: Any) -> dict[str, Any]:
    """Return what of an assignment goes with the goods to whoever has them next."""
    names = ("pickup_time", "delivery_time", "cash_pickup_time", "proof_kind", "proof_media_id")
    return {name: getattr(assignment, name) for name in names}


def announce_assignment(
    tx: Tx, *, order_id: uuid.UUID, agent_user_id: uuid.UUID, reason: str, version: int, at: datetime
) -> None:
    """Tell the mesh who delivers an order; `version` says after how many assignments."""
    event = events.AgentAssigned(
        order_id=str(order_id), agent_user_id=str(agent_user_id), reason=reason, version=version
    )
    event.assigned_at.FromDatetime(at)
    tx.emit(event)
