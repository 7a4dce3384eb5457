"""Tell catalog, whose reservations have run out, which of them were bought; the others never will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.checkout.data import attempts

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def settle_checkouts(tx: Tx, group_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the groups that became orders. A run of one that has not finds its group given up and starts over."""
    return attempts.settle(tx, group_ids)
