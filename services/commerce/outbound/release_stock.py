"""Give stock back that no order will need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import MeshError
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import uuid

    from meshkit.flow import Flow
    from services.commerce.outbound.ports import Catalog


def release_stock(flow: Flow, group_id: uuid.UUID, *, catalog: Catalog) -> None:
    """Release a group now if catalog can be reached; otherwise its reservations expire by themselves."""
    try:
        catalog.release(flow.call, group_id=group_id)
    except MeshError as error:
        get_logger().warning("commerce.release_left_to_expiry", group_id=str(group_id), reason=error.reason)
