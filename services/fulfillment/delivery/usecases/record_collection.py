"""Record when an agent collected an order's cash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import assignments, deliveries

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class Collected:
    """Who collected an order's cash, and when, as finance recorded it."""

    agent_user_id: uuid.UUID
    at: datetime


def record_collection(tx: Tx, collected: Collected, *, order_id: uuid.UUID) -> None:
    """Record it with the agent's assignment; the first time stays. The delivery must be locked."""
    own = deliveries.find_ever_of_agent(tx, order_id, collected.agent_user_id)
    if own is not None:
        assignments.note_step(tx, own.assignment_id, column="cash_pickup_time", at=collected.at)
