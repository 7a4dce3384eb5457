"""What a store is and who belongs to it, for the other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.stores.data import stores

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.identity.stores.domain.store import Store, StoreOfPerson


def find_store(tx: Tx, *, store_id: uuid.UUID) -> Store | None:
    """Return a store, or None."""
    return stores.find(tx, store_id)


def stores_of_person(tx: Tx, *, user_id: uuid.UUID) -> list[StoreOfPerson]:
    """Return the stores a person actively belongs to, oldest membership first."""
    return stores.of_person(tx, user_id)


def lock_store(tx: Tx, *, store_id: uuid.UUID) -> Store | None:
    """Return a store and keep it from changing until commit, or None."""
    return stores.lock(tx, store_id)
