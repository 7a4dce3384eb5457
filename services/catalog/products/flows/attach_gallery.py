"""A product's files, in media and here: the steps that creating and changing a product share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from meshkit.errors import Violation
from meshkit.grpc.channel import RemoteRefusal
from services.catalog.errors import MediaUnusable

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Sequence

    from meshkit.flow import Flow
    from services.catalog.outbound.ports import Galleries


def attach_gallery(
    flow: Flow, *, product_id: uuid.UUID, media_ids: Sequence[uuid.UUID], galleries: Galleries, field: str
) -> list[tuple[uuid.UUID, str]]:
    """Attach exactly these files; returns ids with object keys, in order. Raises MediaUnusable, which names `field`."""
    with _naming(field):
        return galleries.attach(
            flow.call, product_id=product_id, store_id=flow.principal.require_store, media_ids=media_ids
        )


def attach_coa(flow: Flow, *, product_id: uuid.UUID, media_id: uuid.UUID | None, galleries: Galleries) -> None:
    """Make a file the product's certificate of analysis, or none. Raises MediaUnusable."""
    with _naming("coa_media_id"):
        galleries.attach_coa(flow.call, product_id=product_id, store_id=flow.principal.require_store, media_id=media_id)


@contextmanager
def _naming(field: str) -> Iterator[None]:
    try:
        yield
    except RemoteRefusal as refusal:
        violation = Violation(field, refusal.message, refusal.reason)
        raise MediaUnusable(refusal.message, violations=(violation,)) from None
