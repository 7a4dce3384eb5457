"""Announce who delivers an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.fulfillment.events.v1 import fulfillment_events_pb2 as events

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def announce_assignment(tx: Tx, *, order_id: uuid.UUID, agent_user_id: uuid.UUID, reason: str, version: int) -> None:
    """Announce that an agent was given an order just now; `version` says after how many assignments."""
    event = events.AgentAssigned(
        order_id=str(order_id), agent_user_id=str(agent_user_id), reason=reason, version=version
    )
    event.assigned_at.FromDatetime(tx.now)
    tx.emit(event)
