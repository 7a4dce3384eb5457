"""Catalog asks about reservations that ran out: which were bought? The others are given up and never will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.cart.usecases.settle_attempts import settle_attempts
from services.commerce.orders.usecases.settle_retries import settle_retries

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def settle_checkouts(tx: Tx, group_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the groups that became orders. The others are given up: a checkout that still runs starts over with a new group."""
    return [*settle_attempts(tx, group_ids), *settle_retries(tx, group_ids)]
