"""What stores may do, for the other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.store_gates.data import store_gates

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.catalog.store_gates.domain.visibility import Gate


def read_store_gates(tx: Tx, *store_ids: uuid.UUID) -> dict[uuid.UUID, Gate]:
    """Return the gates of stores, by id; a store that identity has not announced is missing."""
    return store_gates.find(tx, *store_ids)
