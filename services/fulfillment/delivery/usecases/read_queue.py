"""Read what waits for an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import deliveries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import Delivery


def read_queue(tx: Tx, *, page: Page) -> tuple[Sequence[Delivery], str]:
    """Return dispatchable orders that no agent has, newest first, and the next cursor."""
    return page.cut(deliveries.page_of_queue(tx, page), deliveries.queue_cursor)
