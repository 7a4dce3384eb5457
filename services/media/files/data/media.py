"""SQL about files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, delete, func, insert, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from meshkit.cursor import Cursor
from meshkit.db.searching import contains
from services.media.files.data.attachments import is_attached
from services.media.schema import media

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx

_NEVER_REFUSED: dict[str, Any] = {"refused_times": 0, "ask_again_at": None}


def add(tx: Tx, **columns: Any) -> Any:
    """Insert a pending file; returns the row."""
    return tx.execute(insert(media).values(_pending(tx, columns)).returning(media)).one()


def add_if_missing(tx: Tx, **columns: Any) -> None:
    """Insert a pending file; one with that id is left as it is."""
    tx.execute(upsert(media).values(_pending(tx, columns)).on_conflict_do_nothing(constraint="media_pk"))


def find(tx: Tx, media_id: uuid.UUID, *, store_id: uuid.UUID) -> Any | None:
    """Return a store's file, or None."""
    return tx.execute(select(media).where(media.c.id == media_id, media.c.store_id == store_id)).one_or_none()


def find_usable(tx: Tx, media_id: uuid.UUID, *, kinds: Collection[str], statuses: Collection[str]) -> Any | None:
    """Return a file of whatever store that is of one of the kinds and in one of the states, or None."""
    statement = select(media).where(media.c.id == media_id, media.c.kind.in_(kinds), media.c.status.in_(statuses))
    return tx.execute(statement).one_or_none()


def keys_of(tx: Tx, media_ids: Sequence[uuid.UUID], *, statuses: Collection[str]) -> Sequence[Any]:
    """Return `id, gcs_key, generation, mime_type` of those of the files, of any store, that are in one of the states."""
    columns = (media.c.id, media.c.gcs_key, media.c.generation, media.c.mime_type)
    statement = select(*columns).where(media.c.id.in_(media_ids), media.c.status.in_(statuses))
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def lock_by_key(tx: Tx, gcs_key: str) -> Any | None:
    """Return the file of an object and keep it from changing until commit, or None."""
    return tx.execute(select(media).where(media.c.gcs_key == gcs_key).with_for_update()).one_or_none()


def lock_shared(tx: Tx, media_ids: Sequence[uuid.UUID], *, store_id: uuid.UUID) -> dict[uuid.UUID, Any]:
    """Return those of the files that the store has, by id, and keep them from changing until commit."""
    statement = (
        select(media)
        .where(media.c.id.in_(media_ids), media.c.store_id == store_id)
        .order_by(media.c.id)
        .with_for_update(read=True)
    )
    return {row.id: row for row in tx.execute(statement)}


def set_status(tx: Tx, media_id: uuid.UUID, *, status: str, **columns: Any) -> Any:
    """Set a file's status and what goes with it; returns the row. What the store refused before says nothing any more."""
    values = {"status": status, **_NEVER_REFUSED, **columns}
    statement = update(media).where(media.c.id == media_id).values(values).returning(media)
    return tx.execute(statement).one()


def page_of_store(
    tx: Tx, store_id: uuid.UUID, page: Page, *, kind: str, status: str, mime_type: str, words: str
) -> Sequence[Any]:
    """Return a store's files, newest first, one more than the page; an empty filter means any.

    `mime_type` is a beginning, `words` part of the file's name.
    """
    statement = select(media).where(media.c.store_id == store_id)
    if kind:
        statement = statement.where(media.c.kind == kind)
    if status:
        statement = statement.where(media.c.status == status)
    if mime_type:
        statement = statement.where(media.c.mime_type.istartswith(mime_type, autoescape=True))
    if words:
        statement = statement.where(text(contains("media.file_name", ":words")).bindparams(words=words))
    if page.after:
        statement = statement.where(tuple_(media.c.created_at, media.c.id) < (page.after.at, page.after.id))
    statement = statement.order_by(media.c.created_at.desc(), media.c.id.desc()).limit(page.fetch)
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def remove_pending(tx: Tx, *, created_before: datetime, limit: int) -> int:
    """Delete up to `limit` files that were announced before an instant and never came; returns how many."""
    stale = (
        select(media.c.id)
        .where(media.c.status == "pending", media.c.created_at < created_before)
        .order_by(media.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    count: int = tx.execute(delete(media).where(media.c.id.in_(stale.scalar_subquery()))).rowcount
    return count


def lock_uploader(tx: Tx, *, user_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Let only one transaction at a time count what a store and a user have open."""
    for name in sorted((f"store:{store_id}", f"user:{user_id}")):
        tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"open uploads of {name}", 0))))


def count_open(tx: Tx, *, since: datetime, user_id: uuid.UUID, store_id: uuid.UUID) -> tuple[int, int]:
    """Return how many files announced since then have not come, of the user and of the store's own members."""
    is_open = and_(media.c.status == "pending", media.c.created_at > since)
    of_user = select(func.count()).where(is_open, media.c.user_id == user_id)
    members = and_(media.c.store_id == store_id, media.c.kind != "delivery_proof")
    of_store = select(func.count()).where(is_open, members)
    row = tx.execute(select(of_user.scalar_subquery(), of_store.scalar_subquery())).one()
    return int(row[0]), int(row[1])


def note_arrival(tx: Tx, gcs_key: str) -> str | None:
    """Have an object looked at, or removed again where its file has failed; returns the file's status, or None."""
    statement = (
        update(media)
        .where(media.c.gcs_key == gcs_key)
        .values(
            arrived_at=case((media.c.status == "pending", tx.now), else_=media.c.arrived_at),
            **_NEVER_REFUSED,
            removed_at=case((media.c.status == "failed", None), else_=media.c.removed_at),
        )
        .returning(media.c.status)
    )
    status: str | None = tx.execute(statement).scalar_one_or_none()
    return status


def put_off(tx: Tx, gcs_key: str, *, times: int, until: datetime) -> None:
    """Note how often the store has refused an object by now, and when it is asked again."""
    tx.execute(update(media).where(media.c.gcs_key == gcs_key).values(refused_times=times, ask_again_at=until))


def _is_due(tx: Tx) -> ColumnElement[bool]:
    return or_(media.c.ask_again_at.is_(None), media.c.ask_again_at <= tx.now)


def arrived(tx: Tx, *, limit: int) -> Sequence[str]:
    """Return the names of objects that nobody has looked at yet and that are not put off, oldest first."""
    waiting = and_(media.c.status == "pending", media.c.arrived_at.is_not(None), _is_due(tx))
    statement = select(media.c.gcs_key).where(waiting).order_by(media.c.arrived_at).limit(limit)
    keys: Sequence[str] = tx.execute(statement).scalars().all()
    return keys


def forget_arrival(tx: Tx, gcs_key: str) -> None:
    """Wait for the object again: it was announced and is not there, or cannot be looked at."""
    waiting = (media.c.gcs_key == gcs_key, media.c.status == "pending")
    tx.execute(update(media).where(*waiting).values(arrived_at=None, **_NEVER_REFUSED))


def to_remove(tx: Tx, *, limit: int) -> Sequence[str]:
    """Return the names of objects of failed files that are not known to be gone and not put off, oldest first."""
    failed = and_(media.c.status == "failed", media.c.removed_at.is_(None), _is_due(tx))
    statement = select(media.c.gcs_key).where(failed).order_by(media.c.failed_at).limit(limit)
    keys: Sequence[str] = tx.execute(statement).scalars().all()
    return keys


def note_removal(tx: Tx, gcs_key: str) -> None:
    """Remember that a failed file's object is gone."""
    tx.execute(update(media).where(media.c.gcs_key == gcs_key, media.c.status == "failed").values(removed_at=tx.now))


def remove_failed(tx: Tx, *, removed_before: datetime, limit: int) -> int:
    """Delete up to `limit` failed files whose objects went before an instant; returns how many."""
    stale = (
        select(media.c.id)
        .where(media.c.status == "failed", media.c.removed_at < removed_before, ~is_attached())
        .order_by(media.c.removed_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    count: int = tx.execute(delete(media).where(media.c.id.in_(stale.scalar_subquery()))).rowcount
    return count


def _pending(tx: Tx, columns: dict[str, Any]) -> dict[str, Any]:
    state = {"status": "pending", "failure": "", "created_at": tx.now, "uploaded_at": None, "failed_at": None}
    return {**state, **columns}


def cursor_of(row: Any) -> Cursor:
    """Return the sort key of a file."""
    return Cursor(row.created_at, row.id)
