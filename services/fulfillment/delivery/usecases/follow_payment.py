"""Keep deliveries true to their payments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import deliveries

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class Collected:
    """Who collected an order's cash, and when, as finance recorded it."""

    agent_user_id: uuid.UUID
    at: datetime


def follow_payment(tx: Tx, *, order_id: uuid.UUID, payment_status: str, collected: Collected | None = None) -> None:
    """Take over where a payment stands; the record of who collected the cash is completed with it."""
    if deliveries.lock(tx, order_id) is None:
        return
    deliveries.change_payment(tx, order_id, payment_status)
    deliveries.call_off_payment(tx, order_id)
    if collected is not None:
        keep_collection(tx, order_id, collected)


def keep_collection(tx: Tx, order_id: uuid.UUID, collected: Collected) -> None:
    """Note when an agent collected an order's cash. The delivery must be locked."""
    own = deliveries.find_ever_of_agent(tx, order_id, collected.agent_user_id)
    if own is not None:
        deliveries.note_step(tx, own.assignment_id, column="cash_pickup_time", at=collected.at)
