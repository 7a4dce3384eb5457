"""A store's KYC status follows its licences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.sessions.usecases.end_session import outdate_sessions_of_store
from services.identity.stores.data import stores
from services.identity.stores.usecases.announce_gate import announce_gate

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.identity.stores.domain.store import Store


def change_kyc_status(tx: Tx, *, store_id: uuid.UUID, kyc_status: str) -> Store:
    """Return the store with that status; a change is announced and outdates access tokens that act for the store."""
    store = stores.find(tx, store_id)
    assert store is not None, "a licence belongs to a store"
    if store.kyc_status == kyc_status:
        return store
    changed = stores.change_kyc_status(tx, store_id, kyc_status=kyc_status)
    outdate_sessions_of_store(tx, store_id=store_id)
    announce_gate(tx, changed)
    return changed
