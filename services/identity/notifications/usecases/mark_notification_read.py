"""Mark messages of the inbox as read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.identity.notifications.data import notifications

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def mark_notification_read(tx: Tx, *, store_id: uuid.UUID | None, notification_id: uuid.UUID) -> None:
    """Mark one read; again is fine. Raises NotFound for another recipient's."""
    if not notifications.mark_read(tx, store_id, notification_id):
        raise NotFound


def mark_all_notifications_read(tx: Tx, *, store_id: uuid.UUID | None) -> int:
    """Mark all read; returns how many were unread."""
    return notifications.mark_all_read(tx, store_id)
