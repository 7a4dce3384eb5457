"""What identity says about stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.identity.events.v1 import identity_events_pb2 as identity

if TYPE_CHECKING:
    import uuid

    from tests.support.mesh_harness import MeshHarness


def subscribe(mesh: MeshHarness, store_id: uuid.UUID, *, active: bool = True) -> None:
    """Report whether a vendor's subscription is active."""
    mesh.deliver(
        "analytics",
        identity.StoreGateChanged(store_id=str(store_id), type="vendor", subscription_active=active, version=1),
    )
