"""Read what there is to deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.fulfillment.delivery.data import deliveries

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


def read_queue(tx: Tx, *, page: Page) -> tuple[Sequence[Any], str]:
    """Return dispatchable orders nobody has, newest first, and the next cursor."""
    return page.cut(deliveries.page_of_queue(tx, page), deliveries.queue_cursor)


def read_my_deliveries(tx: Tx, *, page: Page) -> tuple[Sequence[Any], str]:
    """Return the calling agent's active deliveries and the next cursor."""
    rows = deliveries.page_of_agent(tx, tx.principal.require_user, page)
    return page.cut(rows, deliveries.agent_cursor)


def read_my_delivery(tx: Tx, *, order_id: uuid.UUID) -> Any:
    """Return a delivery of the calling agent. Raises NotFound for anybody else's."""
    delivery = deliveries.find_of_agent(tx, order_id, tx.principal.require_user)
    if delivery is None:
        raise NotFound
    return delivery


def lock_my_delivery(tx: Tx, *, order_id: uuid.UUID) -> Any:
    """Return what the calling agent has or once had of a delivery, and keep it from changing until commit.

    Raises NotFound for what it never had.
    """
    deliveries.lock(tx, order_id)
    return read_ever_mine(tx, order_id=order_id)


def read_ever_mine(tx: Tx, *, order_id: uuid.UUID) -> Any:
    """Return what the calling agent has or once had of a delivery. Raises NotFound for what it never had."""
    delivery = deliveries.find_ever_of_agent(tx, order_id, tx.principal.require_user)
    if delivery is None:
        raise NotFound
    return delivery
