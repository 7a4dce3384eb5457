"""Put messages into people's inboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.identity.data import notifications

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from meshkit.db.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message: to a store (None: the administrators), and what caused it."""

    cause: str
    store_id: uuid.UUID | None
    type: str
    title: str
    message: str
    link: str


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
