"""Put a message into somebody's inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.identity.data import notifications

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def notify(
    tx: Tx, *, cause: str, store_id: uuid.UUID | None, notification_type: str, title: str, message: str, link: str
) -> None:
    """Add a notification for a store (None: the administrators). The same cause notifies the same recipient once."""
    notifications.add(
        tx,
        notification_id=derived_id("notification", cause, store_id),
        store_id=store_id,
        type=notification_type,
        title=title,
        message=message,
        link=link,
    )
