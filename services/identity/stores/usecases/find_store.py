"""What a store is and who belongs to it, for the other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.identity.stores.data import stores

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def find_store(tx: Tx, *, store_id: uuid.UUID) -> Any | None:
    """Return a store, or None."""
    return stores.find(tx, store_id)


def stores_of_person(tx: Tx, *, user_id: uuid.UUID) -> Sequence[Any]:
    """Return the stores a person actively belongs to, with `role`, oldest membership first."""
    return stores.of_user(tx, user_id)
