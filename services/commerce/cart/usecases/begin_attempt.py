"""Decide under which group a checkout reserves the stock of a cart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.commerce.cart.data import attempts

if TYPE_CHECKING:
    import uuid
    from datetime import timedelta

    from meshkit.db.tx import Tx


def begin_attempt(tx: Tx, *, cart_id: uuid.UUID, buyer_store_id: uuid.UUID, continue_for: timedelta) -> uuid.UUID:
    """Start or continue the checkout of a locked active cart; returns the group to reserve under.

    An attempt that was given up, or is older than `continue_for` and may have lost its stock, starts over with a new group.
    """
    stale = tx.now - continue_for
    return attempts.begin(tx, cart_id=cart_id, buyer_store_id=buyer_store_id, group_id=new_id(), stale=stale)


def is_attempt_running(tx: Tx, *, cart_id: uuid.UUID, continue_for: timedelta) -> bool:
    """Return whether a checkout of the cart was begun that may be continued."""
    attempt = attempts.find(tx, cart_id)
    return attempt is not None and attempt.state == "reserving" and attempt.started_at >= tx.now - continue_for
