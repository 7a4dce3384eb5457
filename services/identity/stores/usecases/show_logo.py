"""Record which logo a store shows, and tell the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.identity.stores.data import stores
from services.identity.stores.usecases.announce_gate import announce_gate

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


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
        announce_gate(tx, stores.change_logo(tx, store_id, media_id=media_id))


def _text(media_id: uuid.UUID | None) -> str | None:
    return str(media_id) if media_id else None
