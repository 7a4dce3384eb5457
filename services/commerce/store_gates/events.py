"""What identity announces of stores."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.events.registry import Consumer
from services.commerce.store_gates.domain.gate import Gate
from services.commerce.store_gates.usecases.update_store_gate import update_store_gate

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


def consumers() -> tuple[Consumer, ...]:
    """Return the consumer of stores' gates."""
    return (Consumer("commerce", "identity.store.v1").on(identity.StoreGateChanged, store_gate_changed),)


def store_gate_changed(tx: Tx, event: identity.StoreGateChanged) -> None:
    """Keep what the store may do now."""
    gate = Gate(
        store_id=uuid.UUID(event.store_id),
        type=event.type,
        name=event.name,
        state=event.state,
        kyc_status=event.kyc_status,
        subscription_active=event.subscription_active,
    )
    update_store_gate(tx, gate, version=event.version)
