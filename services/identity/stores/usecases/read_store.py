"""Read one store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.identity.stores.data import stores

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.identity.stores.domain.store import Owner, Store, VerifiedLicense


@dataclass(frozen=True)
class StoreProfile:
    """A store with its verified licences and, for its own people only, its owner."""

    store: Store
    licenses: Sequence[VerifiedLicense]
    owner: Owner | None = None


def read_my_store(tx: Tx) -> StoreProfile:
    """Return the caller's store, whole. Raises NotFound."""
    store_id = tx.principal.require_store
    return StoreProfile(_store(tx, store_id), stores.verified_licenses(tx, store_id), stores.owner_of(tx, store_id))


def read_store(tx: Tx, *, store_id: uuid.UUID) -> StoreProfile:
    """Return what everybody may know of a store. Raises NotFound."""
    return StoreProfile(_store(tx, store_id), stores.verified_licenses(tx, store_id))


def _store(tx: Tx, store_id: uuid.UUID) -> Store:
    store = stores.find(tx, store_id)
    if store is None:
        raise NotFound
    return store
