"""SQL about what files are attached to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select

from meshkit.ids import new_id
from services.media.schema import media, media_attachments

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.media.files.domain.attachments import Entity


def lock_entity(tx: Tx, entity: Entity) -> None:
    """Let only one transaction at a time decide an entity's attachments, those it does not have yet included."""
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{entity.type}:{entity.id}", 0))))


def media_ids_of(tx: Tx, entity: Entity) -> list[uuid.UUID]:
    """Return the ids of an entity's files, oldest attachment first."""
    statement = (
        select(media_attachments.c.media_id)
        .where(_of(entity))
        .order_by(media_attachments.c.created_at, media_attachments.c.id)
    )
    return list(tx.execute(statement).scalars())


def add_all(tx: Tx, entity: Entity, rows: Sequence[Any]) -> None:
    """Attach files (rows of `media`) to an entity."""
    if not rows:
        return
    common = {
        "entity_type": entity.type.value,
        "entity_id": entity.id,
        "store_id": entity.store_id,
        "is_protected": entity.is_protected,
        "created_at": tx.now,
    }
    values = [{"id": new_id(), "media_id": row.id, "gcs_key": row.gcs_key, **common} for row in rows]
    tx.execute(insert(media_attachments).values(values))


def remove_all(tx: Tx, entity: Entity, media_ids: Sequence[uuid.UUID]) -> None:
    """Detach files from an entity."""
    if media_ids:
        tx.execute(delete(media_attachments).where(_of(entity), media_attachments.c.media_id.in_(media_ids)))


def is_attached() -> ColumnElement[bool]:
    """Return the condition that a file in a statement about `media` is attached to something."""
    return select(media_attachments.c.id).where(media_attachments.c.media_id == media.c.id).exists()


def _of(entity: Entity) -> ColumnElement[bool]:
    return and_(
        media_attachments.c.entity_type == entity.type.value,
        media_attachments.c.entity_id == entity.id,
        media_attachments.c.store_id == entity.store_id,
    )
