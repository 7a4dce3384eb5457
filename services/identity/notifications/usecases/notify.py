"""Put messages into people's inboxes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.ids import derived_id
from services.identity.notifications.data import notifications

if TYPE_CHECKING:
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


def order_alert(*, cause: str, store: str, title: str, message: str, order_id: str) -> Notice:
    """Return a message about an order; an empty store means the administrators."""
    return Notice(
        cause=cause,
        store_id=uuid.UUID(store) if store else None,
        type="order_alert",
        title=title,
        message=message,
        link=f"/orders/{order_id}",
    )


def money_text(cents: int, currency: str) -> str:
    """Return an amount as people read it."""
    return f"{cents // 100}.{cents % 100:02d} {currency}"


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
