"""What identity announces of stores."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING

from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.events.registry import Consumer
from services.catalog.store_gates.domain.visibility import Gate
from services.catalog.store_gates.usecases.update_store_gate import update_store_gate

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def consumers() -> tuple[Consumer, ...]:
    """Return the consumer of stores' gates."""
    return (Consumer("catalog", "identity.store.v1").on(identity.StoreGateChanged, store_gate_changed),)


def store_gate_changed(tx: Tx, event: identity.StoreGateChanged) -> None:
    """Open or close a store's shop window."""
    gate = Gate(
        type=event.type,
        state=event.state,
        kyc_status=event.kyc_status,
        subscription_active=event.subscription_active,
    )
    update_store_gate(
        tx,
        store_id=uuid.UUID(event.store_id),
        name=event.name,
        gate=gate,
        version=event.version,
        changed_at=event.changed_at.ToDatetime(UTC) if event.HasField("changed_at") else None,
        logo_media_id=uuid.UUID(event.logo_media_id) if event.logo_media_id else None,
    )
