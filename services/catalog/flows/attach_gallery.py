"""A product's files, in media and here: the step that creating and changing a product share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import Violation
from meshkit.grpc.channel import RemoteRefusal
from services.catalog.errors import MediaUnusable

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.flow import Flow
    from services.catalog.outbound.ports import Galleries


def attach_gallery(
    flow: Flow, product_id: uuid.UUID, media_ids: Sequence[uuid.UUID], galleries: Galleries, *, field: str
) -> list[tuple[uuid.UUID, str]]:
    """Attach exactly these files; returns ids with object keys, in order. Raises MediaUnusable, which names `field`."""
    store_id = flow.principal.require_store
    if not media_ids:
        galleries.detach_all(flow.call, product_id=product_id, store_id=store_id)
        return []
    try:
        return galleries.attach(flow.call, product_id=product_id, store_id=store_id, media_ids=media_ids)
    except RemoteRefusal as refusal:
        violation = Violation(field, refusal.message, refusal.reason)
        raise MediaUnusable(refusal.message, violations=(violation,)) from None
