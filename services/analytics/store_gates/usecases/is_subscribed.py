"""Whether a store has a subscription, for the other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.analytics.store_gates.data import store_gates

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def is_subscribed(tx: Tx, *, store_id: uuid.UUID) -> bool:
    """Return whether a store's subscription counts as active; that of a store identity has not announced does not."""
    return store_gates.is_subscribed(tx, store_id)
