"""Change a store's KYC status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.stores.data import stores
from services.identity.stores.usecases.announce_gate import announce_gate

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.identity.stores.domain.store import Store


def change_kyc_status(tx: Tx, *, store_id: uuid.UUID, kyc_status: str) -> Store:
    """Return the store with another status, which is announced."""
    changed = stores.change_kyc_status(tx, store_id, kyc_status=kyc_status)
    announce_gate(tx, changed)
    return changed
