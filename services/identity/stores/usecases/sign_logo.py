"""The URL under which a store's logo can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import DependencyUnavailable
from meshkit.grpc.channel import RemoteRefusal
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.identity.outbound.ports import DocumentReader
    from services.identity.stores.domain.store import Store


def sign_logo(tx: Tx, store: Store, *, logos: DocumentReader) -> str:
    """Return the URL of a store's logo; empty without one, or while media is away."""
    if store.logo_media_id is None:
        return ""
    try:
        return logos.read_urls(tx.outside(), [store.logo_media_id]).get(store.logo_media_id, "")
    except (DependencyUnavailable, RemoteRefusal) as error:
        get_logger().warning("stores.logo_not_signed", error=str(error))
        return ""
