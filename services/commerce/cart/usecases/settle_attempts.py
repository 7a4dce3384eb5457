"""Which checkouts of carts made orders; the others never will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.data import attempts

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def settle_attempts(tx: Tx, group_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Give up the checkouts that run under these groups; returns the groups that were bought."""
    attempts.give_up(tx, group_ids)
    # Read after the locks are taken: a checkout that was about to finish has done so by now, or never will.
    return attempts.bought(tx, group_ids)
