"""Read what an agent has to deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.fulfillment.delivery.data import deliveries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import AgentDelivery


def read_my_deliveries(tx: Tx, *, page: Page) -> tuple[Sequence[AgentDelivery], str]:
    """Return the calling agent's active deliveries and the next cursor."""
    rows = deliveries.page_of_agent(tx, tx.principal.require_user, page)
    return page.cut(rows, deliveries.agent_cursor)
