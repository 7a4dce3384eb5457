"""Keep what stores may do as identity announces it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from services.ads.store_gates.data import store_gates

if TYPE_CHECKING:
    from marketmesh.identity.events.v1.identity_events_pb2 import StoreGateChanged
    from meshkit.db.tx import Tx


def update_store_gate(tx: Tx, event: StoreGateChanged) -> None:
    """Keep a store's gate unless a newer version of it is known."""
    store_gates.upsert(
        tx,
        store_id=uuid.UUID(event.store_id),
        type=event.type,
        state=event.state,
        kyc_status=event.kyc_status,
        subscription_active=event.subscription_active,
        version=event.version,
    )
