"""Who gets which delivery."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

AUTO_RANDOM = "auto_random"
ADMIN_OVERRIDE = "admin_override"
# The agent who took a step, as commerce or finance recorded it, has the goods or the money: the order is that agent's.
STEP_TAKEN = "step_taken"

# A pickup that has no answer after this long is not waited for: no call lasts that long.
PICKUP_RUNS_FOR = timedelta(minutes=1)

# Where cash may be taken (REQUIREMENTS A.6.4).
CASH_STATES = ("ready_for_dispatch", "in_transit", "delivered")
# Orders that wait for an agent (K16).
DISPATCHABLE_STATES = ("hold", "ready_for_dispatch", "hold_for_pickup")


# Nothing will be paid for these.
CALLED_OFF = ("canceled", "rejected", "expired")
# Shipping statuses of an order that was picked up. They outlast a hold, which hides where the order was.
PICKED_UP = ("in_transit", "delivered")


def is_dispatchable(order_status: str, shipping_status: str) -> bool:
    """Return whether an order waits for an agent: one on hold for its money may be on its way or delivered long since."""
    return order_status in DISPATCHABLE_STATES and shipping_status not in PICKED_UP


def state_in_words(order_status: str, shipping_status: str) -> str:
    """Return where an order is as a refusal names it: a hold hides what it interrupted."""
    if order_status == "hold" and shipping_status in PICKED_UP:
        return f"hold ({shipping_status})"
    return order_status


def draw_note(agents: int) -> str:
    """Return why an agent that was drawn at random has the order, for people."""
    return f"drawn at random from {agents} active agent{'' if agents == 1 else 's'}"


def choose_agent(agents: Sequence[uuid.UUID], *, order_id: uuid.UUID) -> uuid.UUID | None:
    """Return an agent at random, or None when there is none.

    The draw is seeded by the order's id: evenly spread, and the same again when the event is handled again.
    """
    if not agents:
        return None
    return random.Random(order_id.int).choice(sorted(agents))
