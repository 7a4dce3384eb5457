"""How long an order may wait for its vendor (REQUIREMENTS A.6.4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Days until a vendor is reminded of a pending order, and until the order expires; days of 24 hours."""

    nudge_days: int
    expiry_days: int

    def __post_init__(self) -> None:
        """Refuse a reminder that would come after the expiry. Raises ValueError."""
        if not 1 <= self.nudge_days < self.expiry_days:
            raise ValueError("an order's vendor is reminded before the order expires")
