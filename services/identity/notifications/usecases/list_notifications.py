"""Read the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.identity.notifications.data import notifications

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.identity.notifications.data.notifications import Notification


def list_notifications(
    tx: Tx, *, store_id: uuid.UUID | None, page: Page, unread_only: bool
) -> tuple[Sequence[Notification], str]:
    """Return a recipient's notifications, newest first, and the next cursor."""
    rows = notifications.page(tx, store_id, page, unread_only=unread_only)
    return page.cut(rows, notifications.cursor_of)
