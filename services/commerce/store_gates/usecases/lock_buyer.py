"""One change of a buyer's cart at a time, for the capability that owns carts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commerce.store_gates.data import store_gates

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def lock_buyer(tx: Tx, *, store_id: uuid.UUID) -> None:
    """Make other quotes of this buyer wait until commit, also while it has no cart yet that could be locked."""
    store_gates.lock(tx, store_id)
