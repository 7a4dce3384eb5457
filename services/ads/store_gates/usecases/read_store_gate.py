"""What a store may do, for the other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ads.store_gates.data import store_gates

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.ads.store_gates.data.store_gates import StoreGate


def read_store_gate(tx: Tx, *, store_id: uuid.UUID) -> StoreGate | None:
    """Return a store's gate, or None while identity has not announced the store."""
    return store_gates.find(tx, store_id)
