"""Add a person to the list of delivery agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import agents

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def add_agent(tx: Tx, *, user_id: uuid.UUID) -> None:
    """Add an agent; a repeat changes nothing."""
    agents.add(tx, user_id)
