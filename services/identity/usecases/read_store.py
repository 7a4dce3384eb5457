"""Read one store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.identity.data import stores

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def read_store(tx: Tx, *, store_id: uuid.UUID) -> Any:
    """Return the store. Raises NotFound."""
    store = stores.find(tx, store_id)
    if store is None:
        raise NotFound
    return store
