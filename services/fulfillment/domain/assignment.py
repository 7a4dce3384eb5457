"""Who gets which delivery."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

AUTO_RANDOM = "auto_random"
ADMIN_OVERRIDE = "admin_override"

# Where cash may be taken (REQUIREMENTS A.6.4).
CASH_STATES = ("ready_for_dispatch", "in_transit", "delivered")
# Orders that wait for an agent (K16).
DISPATCHABLE_STATES = ("hold", "ready_for_dispatch", "hold_for_pickup")


def draw_note(agents: int) -> str:
    """Return why a drawn agent is the one, for people."""
    return f"drawn at random from {agents} active agent{'' if agents == 1 else 's'}"


def choose_agent(agents: Sequence[uuid.UUID], *, order_id: uuid.UUID) -> uuid.UUID | None:
    """Return an agent at random, or None when there is none.

    The draw is seeded by the order's id: evenly spread, and the same again when the event is handled again.
    """
    if not agents:
        return None
    return random.Random(order_id.int).choice(sorted(agents))
