"""SQL about what files are attached to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from meshkit.ids import new_id
from services.media.data.tables import media_attachments

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


def lock_entity(tx: Tx, *, entity_type: str, entity_id: uuid.UUID) -> None:
    """Let only one transaction at a time decide an entity's attachments, those it does not have yet included."""
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{entity_type}:{entity_id}", 0))))


def media_ids_of(tx: Tx, *, entity_type: str, entity_id: uuid.UUID, store_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of an entity's files, oldest attachment first."""
    statement = (
        select(media_attachments.c.media_id)
        .where(
            media_attachments.c.entity_type == entity_type,
            media_attachments.c.entity_id == entity_id,
            media_attachments.c.store_id == store_id,
        )
        .order_by(media_attachments.c.created_at, media_attachments.c.id)
    )
    return list(tx.execute(statement).scalars())


def add_all(
    tx: Tx, rows: Sequence[Any], *, entity_type: str, entity_id: uuid.UUID, store_id: uuid.UUID, is_protected: bool
) -> None:
    """Attach files (rows of `media`) to an entity."""
    if not rows:
        return
    common = {
        "entity_type": entity_type,
        "entity_id": entity_id,
        "store_id": store_id,
        "is_protected": is_protected,
        "created_at": tx.now,
    }
    values = [{"id": new_id(), "media_id": row.id, "gcs_key": row.gcs_key, **common} for row in rows]
    tx.execute(insert(media_attachments).values(values))


def remove_all(
    tx: Tx, media_ids: Sequence[uuid.UUID], *, entity_type: str, entity_id: uuid.UUID, store_id: uuid.UUID
) -> None:
    """Detach files from an entity."""
    if not media_ids:
        return
    tx.execute(
        delete(media_attachments).where(
            media_attachments.c.media_id.in_(media_ids),
            media_attachments.c.entity_type == entity_type,
            media_attachments.c.entity_id == entity_id,
            media_attachments.c.store_id == store_id,
        )
    )
