"""Read a hand-in with its orders: any, or one of the calling agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.cash.data import cash

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash import HandIn, HandInItem


def read_hand_in(tx: Tx, *, hand_in_id: uuid.UUID) -> tuple[HandIn, list[HandInItem]]:
    """Return a hand-in with its orders. Raises NotFound."""
    hand_in = cash.find(tx, hand_in_id)
    if hand_in is None:
        raise NotFound
    return hand_in, cash.items_of(tx, hand_in_id)


def read_my_hand_in(tx: Tx, *, hand_in_id: uuid.UUID) -> tuple[HandIn, list[HandInItem]]:
    """Return a hand-in of the calling agent with its orders. Raises NotFound for anybody else's."""
    hand_in = cash.find_of_agent(tx, hand_in_id, tx.principal.require_user)
    if hand_in is None:
        raise NotFound
    return hand_in, cash.items_of(tx, hand_in_id)
