"""Record which logo a store shows, and tell the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import DependencyUnavailable, NotFound
from meshkit.grpc.channel import RemoteRefusal
from meshkit.obs.logging import get_logger
from services.identity.stores.data import stores
from services.identity.stores.usecases.announce_gate import announce_gate

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.identity.outbound.ports import DocumentReader


def show_logo(tx: Tx, *, media_id: uuid.UUID | None) -> None:
    """Record the attached logo of the caller's store, None for none; the same again announces nothing."""
    store_id = tx.principal.require_store
    store = stores.lock(tx, store_id)
    if store is None:
        raise NotFound
    tx.audit(
        target=store_id,
        before={"logo_media_id": _text(store.logo_media_id)},
        after={"logo_media_id": _text(media_id)},
    )
    if store.logo_media_id != media_id:
        announce_gate(tx, stores.change_gate(tx, store_id, logo_media_id=media_id))


def sign_logo(tx: Tx, store: Any, *, logos: DocumentReader) -> str:
    """Return the URL of a store's logo; empty without one, or while media is away."""
    if store.logo_media_id is None:
        return ""
    try:
        return logos.read_urls(tx.outside(), [store.logo_media_id]).get(store.logo_media_id, "")
    except (DependencyUnavailable, RemoteRefusal) as error:
        get_logger().warning("stores.logo_not_signed", error=str(error))
        return ""


def _text(media_id: uuid.UUID | None) -> str | None:
    return str(media_id) if media_id else None
