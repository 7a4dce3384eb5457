"""Read what there is to deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.fulfillment.delivery.data import deliveries

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.fulfillment.delivery.data.deliveries import AgentDelivery, Delivery


def read_queue(tx: Tx, *, page: Page) -> tuple[Sequence[Delivery], str]:
    """Return dispatchable orders that no agent has, newest first, and the next cursor."""
    return page.cut(deliveries.page_of_queue(tx, page), deliveries.queue_cursor)


def read_my_deliveries(tx: Tx, *, page: Page) -> tuple[Sequence[AgentDelivery], str]:
    """Return the calling agent's active deliveries and the next cursor."""
    rows = deliveries.page_of_agent(tx, tx.principal.require_user, page)
    return page.cut(rows, deliveries.agent_cursor)


def read_my_delivery(tx: Tx, *, order_id: uuid.UUID) -> AgentDelivery:
    """Return a delivery of the calling agent. Raises NotFound for anybody else's."""
    delivery = deliveries.find_of_agent(tx, order_id, tx.principal.require_user)
    if delivery is None:
        raise NotFound
    return delivery


def read_my_assignment(tx: Tx, *, order_id: uuid.UUID) -> AgentDelivery:
    """Return a delivery with the assignment that the calling agent has or once had of it.

    Raises NotFound for what it never had.
    """
    delivery = deliveries.find_ever_of_agent(tx, order_id, tx.principal.require_user)
    if delivery is None:
        raise NotFound
    return delivery
