"""What identity announces of stores."""

from __future__ import annotations

from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from meshkit.events.registry import Consumer
from services.analytics.store_gates.usecases.update_store_gate import update_store_gate


def consumers() -> tuple[Consumer, ...]:
    """Return the consumer of stores' gates."""
    return (Consumer("analytics", "identity.store.v1").on(identity.StoreGateChanged, update_store_gate),)
