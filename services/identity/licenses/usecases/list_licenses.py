"""Read licences: a store's own, or the queue of those to verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import DependencyUnavailable
from meshkit.grpc.channel import RemoteRefusal
from meshkit.obs.logging import get_logger
from services.identity.licenses.data import licenses

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.identity.outbound.ports import DocumentReader


def list_licenses(tx: Tx, *, store_id: uuid.UUID, page: Page) -> tuple[Sequence[Any], str]:
    """Return a store's licences, newest first, and the next cursor."""
    return page.cut(licenses.page_of_store(tx, store_id, page), licenses.cursor_of)


def list_pending_licenses(tx: Tx, *, page: Page, issuing_state: str) -> tuple[Sequence[Any], str]:
    """Return the verification queue, oldest first, and the next cursor."""
    return page.cut(licenses.page_of_pending(tx, page, issuing_state=issuing_state), licenses.cursor_of)


def sign_documents(tx: Tx, rows: Sequence[Any], *, documents: DocumentReader) -> Mapping[uuid.UUID, str]:
    """Return URLs of the licences' documents by media id; none while media is away, for the list can be read without."""
    if not rows:
        return {}
    try:
        return documents.read_urls(tx.outside(), [row.media_id for row in rows])
    except (DependencyUnavailable, RemoteRefusal) as error:
        get_logger().warning("licenses.documents_not_signed", error=str(error))
        return {}


def verified_licenses(tx: Tx, *, store_id: uuid.UUID) -> Sequence[Any]:
    """Return the verified licences of a store."""
    return licenses.verified_of_store(tx, store_id)
