"""A message for somebody's inbox."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


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
