"""Put messages into people's inboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.identity.notifications.data import notifications

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshkit.db.tx import Tx
    from services.identity.notifications.domain.notice import Notice


def notify(tx: Tx, notices: Iterable[Notice]) -> None:
    """Add notifications, in one statement. The same cause notifies the same recipient once."""
    rows = [
        {
            "id": derived_id("notification", notice.cause, notice.store_id),
            "store_id": notice.store_id,
            "type": notice.type,
            "title": notice.title,
            "message": notice.message,
            "link": notice.link,
        }
        for notice in notices
    ]
    if rows:
        notifications.add(tx, rows)
