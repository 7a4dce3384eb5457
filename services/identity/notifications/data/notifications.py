"""SQL about the inbox. A recipient is a store's id, or None for the administrators."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, tuple_, update

from meshkit.cursor import Cursor
from meshkit.db.recordset import insert_rows, to_json
from meshkit.db.rows import columns_of
from meshkit.db.sql import sql
from meshkit.retention import Rule
from services.identity.schema import notifications

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import ColumnElement

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


class Notification(NamedTuple):
    """A message in the inbox of a store, or of the administrators."""

    id: uuid.UUID
    store_id: uuid.UUID | None
    type: str
    title: str
    message: str
    link: str
    read_at: datetime | None
    created_at: datetime


_ADD = sql(
    insert_rows(
        notifications,
        ("id", "store_id", "type", "title", "message", "link"),
        constants={"created_at": ":now"},
        on_conflict="notifications_pk",
    )
)


_DELETE_OLD = sql(
    """
    DELETE FROM notifications WHERE id = ANY(ARRAY(
        SELECT id FROM notifications WHERE created_at < :limit LIMIT :batch FOR UPDATE SKIP LOCKED))
    """
)


def old_ones(*, keep: timedelta) -> Rule:
    """Return the rule by which notifications are deleted, read or not."""
    return Rule(_DELETE_OLD, keep)


def add(tx: Tx, rows: Iterable[Mapping[str, object]]) -> None:
    """Insert notifications; the same id again changes nothing."""
    tx.execute(_ADD, {"rows": to_json(rows), "now": tx.now})


def page(tx: Tx, store_id: uuid.UUID | None, wanted: Page, *, unread_only: bool) -> list[Notification]:
    """Return a recipient's notifications, newest first, one more than the page."""
    statement = select(*columns_of(notifications, Notification)).where(_of(store_id))
    if unread_only:
        statement = statement.where(notifications.c.read_at.is_(None))
    if wanted.after:
        key = tuple_(notifications.c.created_at, notifications.c.id)
        statement = statement.where(key < (wanted.after.at, wanted.after.id))
    statement = statement.order_by(notifications.c.created_at.desc(), notifications.c.id.desc()).limit(wanted.fetch)
    return tx.fetch(statement, Notification).all()


def mark_read(tx: Tx, store_id: uuid.UUID | None, notification_id: uuid.UUID) -> bool:
    """Mark one read, keeping the first time; returns whether the recipient has it."""
    mine = select(notifications.c.id).where(notifications.c.id == notification_id, _of(store_id))
    if tx.fetch(mine, uuid.UUID).first() is None:
        return False
    tx.execute(
        update(notifications)
        .where(notifications.c.id == notification_id, notifications.c.read_at.is_(None))
        .values(read_at=tx.now)
    )
    return True


def mark_all_read(tx: Tx, store_id: uuid.UUID | None) -> int:
    """Mark all of a recipient's unread ones; returns how many they were."""
    statement = update(notifications).where(_of(store_id), notifications.c.read_at.is_(None)).values(read_at=tx.now)
    count: int = tx.execute(statement).rowcount
    return count


def cursor_of(notification: Notification) -> Cursor:
    """Return the sort key of a notification."""
    return Cursor(notification.created_at, notification.id)


def _of(store_id: uuid.UUID | None) -> ColumnElement[bool]:
    return notifications.c.store_id.is_(None) if store_id is None else notifications.c.store_id == store_id
