"""Which retries of expired orders made an order; the others never will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import retries

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def settle_retries(tx: Tx, group_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Give up the retries that run under these groups; returns the groups that were bought."""
    retries.give_up(tx, group_ids)
    # Read after the locks are taken: a retry that was about to finish has done so by now, or never will.
    return retries.bought(tx, group_ids)
