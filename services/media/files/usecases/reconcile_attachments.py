"""Make an entity's attachments exactly the given set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.media.errors import MediaNotUsable
from services.media.files.data import attachments, media
from services.media.files.domain.status import USABLE, MediaStatus

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.media.files.data.media import File
    from services.media.files.domain.attachments import Entity
    from services.media.files.domain.kinds import MediaKind


def reconcile_attachments(
    tx: Tx, *, entity: Entity, media_ids: Sequence[uuid.UUID], allowed_kinds: Sequence[MediaKind]
) -> list[File]:
    """Attach what is missing, detach what is not in the list; returns the files in the given order.

    Raises NotFound for a missing or foreign file, MediaNotUsable for one of another kind or that is not uploaded.
    """
    attachments.lock_entity(tx, entity)
    owned = media.lock_shared(tx, media_ids, store_id=entity.store_id) if media_ids else {}
    wanted = [_usable(owned.get(media_id), allowed_kinds) for media_id in media_ids]
    present = attachments.media_ids_of(tx, entity)
    attachments.remove_all(tx, entity, [media_id for media_id in present if media_id not in media_ids])
    attachments.add_all(tx, entity, [row for row in wanted if row.id not in present])
    tx.audit(
        target=f"{entity.type}:{entity.id}",
        before={"media_ids": [str(media_id) for media_id in present]},
        after={"media_ids": [str(media_id) for media_id in media_ids]},
    )
    return wanted


def _usable(row: File | None, allowed_kinds: Sequence[MediaKind]) -> File:
    if row is None:
        raise NotFound
    if row.kind not in allowed_kinds:
        raise MediaNotUsable(f"A {row.kind} file is not allowed here.", state=row.status)
    if MediaStatus(row.status) not in USABLE:
        raise MediaNotUsable(f"The file is {row.status}.", state=row.status)
    return row
