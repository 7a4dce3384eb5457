"""Let money go whose hold is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.data import holds

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def expire_holds(tx: Tx) -> int:
    """Free the money of holds whose time is over; returns how many."""
    return holds.expire(tx)
