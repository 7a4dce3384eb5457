"""SQL about who picked an order up and who delivered it. Written while the order is locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.db.sql import sql

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx

_NOTE_PICKUP = sql(
    "INSERT INTO order_delivery_steps (order_id, picked_up_at, picked_up_by) VALUES (:order_id, :now, :agent)"
)
# Who picked an order up was not always recorded, so there may be no row yet.
_NOTE_DELIVERY = sql(
    """
    INSERT INTO order_delivery_steps (order_id, delivered_by) VALUES (:order_id, :agent)
    ON CONFLICT ON CONSTRAINT order_delivery_steps_pk DO UPDATE SET delivered_by = excluded.delivered_by
    """
)


def note_pickup(tx: Tx, order_id: uuid.UUID, *, agent_user_id: uuid.UUID) -> None:
    """Keep who picks an order up now."""
    tx.execute(_NOTE_PICKUP, {"order_id": order_id, "agent": agent_user_id, "now": tx.now})


def note_delivery(tx: Tx, order_id: uuid.UUID, *, agent_user_id: uuid.UUID) -> None:
    """Keep who delivers an order now."""
    tx.execute(_NOTE_DELIVERY, {"order_id": order_id, "agent": agent_user_id})
