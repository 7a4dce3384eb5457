"""Read how long a vendor lets its orders wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.orders.data import lifetimes

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.commerce.orders.domain.lifetime import Lifetime


def read_order_policy(tx: Tx, *, usual: Lifetime) -> tuple[Lifetime, bool]:
    """Return the caller's policy and True if it chose one, or the usual policy and False."""
    chosen = lifetimes.policy(tx, tx.principal.require_store)
    return chosen or usual, chosen is not None
