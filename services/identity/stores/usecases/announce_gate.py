"""Tell the mesh what it keeps of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.events.v1 import identity_events_pb2 as events

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.stores.domain.store import Store


def announce_gate(tx: Tx, store: Store) -> None:
    """Emit the whole gate of a store; consumers keep the highest version."""
    event = events.StoreGateChanged(
        store_id=str(store.id),
        type=store.type,
        name=store.dba_name or store.company_name,
        state=str(store.address["state"]),
        kyc_status=store.kyc_status,
        subscription_active=store.subscription_active,
        version=store.gate_version,
        logo_media_id=str(store.logo_media_id or ""),
    )
    event.changed_at.FromDatetime(tx.now)
    tx.emit(event)
