"""Read one file of the caller's store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.media.errors import MediaNotUsable, MediaPending
from services.media.files.data import media
from services.media.files.domain.kinds import PUBLIC
from services.media.files.domain.status import USABLE, MediaStatus

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

_USABLE = [status.value for status in USABLE]


def read_media(tx: Tx, *, media_id: uuid.UUID) -> Any:
    """Return the file. Raises NotFound, also for another store's."""
    row = media.find(tx, media_id, store_id=tx.principal.require_store)
    if row is None:
        raise NotFound
    return row


def read_usable_keys(tx: Tx, *, media_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Return `id, gcs_key` of those of the files whose bytes may be read, whosesoever they are."""
    return media.keys_of(tx, media_ids, statuses=_USABLE)


def read_usable_media(tx: Tx, *, media_id: uuid.UUID) -> Any:
    """Return a file whose bytes may be read: the caller's store's, or one of a public kind that is there.

    Raises NotFound, and for the own store's MediaPending, MediaNotUsable.
    """
    shown = media.find_usable(tx, media_id, kinds=[kind.value for kind in PUBLIC], statuses=_USABLE)
    if shown is not None:
        return shown
    row = read_media(tx, media_id=media_id)
    status = MediaStatus(row.status)
    if status is MediaStatus.PENDING:
        raise MediaPending(state=row.status)
    if status not in USABLE:
        raise MediaNotUsable(f"The file is {row.status}.", state=row.status)
    return row
