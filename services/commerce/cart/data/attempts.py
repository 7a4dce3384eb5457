"""SQL about checkout attempts: one per cart, the group id is decided before stock is reserved."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql
from services.commerce.cart.domain.purchase import FinishedCheckout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


class Attempt(NamedTuple):
    """Where the checkout of a cart stands; it has an answer once the cart is converted."""

    checkout_group_id: uuid.UUID
    state: str
    started_at: datetime
    response: bytes | None


# A running attempt keeps its group; one that was given up, or whose reservations may have expired, gets a new one.
_BEGIN = sql(
    """
    INSERT INTO checkout_attempts AS a (cart_id, buyer_store_id, checkout_group_id, state, started_at)
    VALUES (:cart_id, :buyer, :group_id, 'reserving', :now)
    ON CONFLICT ON CONSTRAINT checkout_attempts_pk DO UPDATE SET state = 'reserving',
        checkout_group_id = CASE WHEN a.state = 'failed' OR a.started_at < :stale THEN excluded.checkout_group_id
                                 ELSE a.checkout_group_id END,
        started_at = CASE WHEN a.state = 'failed' OR a.started_at < :stale THEN excluded.started_at
                          ELSE a.started_at END
    RETURNING checkout_group_id
    """,
    uuid.UUID,
)
_FIND = sql("SELECT {columns} FROM checkout_attempts WHERE cart_id = :cart_id", Attempt)
_FAIL = sql(
    "UPDATE checkout_attempts SET state = 'failed' WHERE cart_id = :cart_id AND state = 'reserving'"
    " RETURNING checkout_group_id",
    uuid.UUID,
)
_CONVERT = sql(
    "UPDATE checkout_attempts SET state = 'converted', response = :response, converted_at = :now"
    " WHERE cart_id = :cart_id AND checkout_group_id = :group_id AND state = 'reserving'"
)
_FIND_CONVERTED = sql(
    "SELECT {columns} FROM checkout_attempts WHERE cart_id = :id AND buyer_store_id = :buyer AND state = 'converted'"
    " UNION ALL"
    " SELECT {columns} FROM checkout_attempts"
    " WHERE checkout_group_id = :id AND buyer_store_id = :buyer AND state = 'converted'",
    FinishedCheckout,
)

# Rows are locked in the order of their keys, as everywhere.
_GIVE_UP = sql(
    """
    WITH running AS (
        SELECT cart_id FROM checkout_attempts
        WHERE checkout_group_id = ANY(CAST(:groups AS uuid[])) AND state = 'reserving' ORDER BY cart_id FOR UPDATE
    )
    UPDATE checkout_attempts a SET state = 'failed' FROM running r WHERE a.cart_id = r.cart_id AND a.state = 'reserving'
    """
)
_BOUGHT = sql(
    "SELECT checkout_group_id FROM checkout_attempts"
    " WHERE checkout_group_id = ANY(CAST(:groups AS uuid[])) AND state = 'converted'",
    uuid.UUID,
)


def begin(tx: Tx, *, cart_id: uuid.UUID, buyer_store_id: uuid.UUID, group_id: uuid.UUID, stale: datetime) -> uuid.UUID:
    """Start or continue the attempt of a locked active cart; returns the group id to reserve under."""
    parameters = {"cart_id": cart_id, "buyer": buyer_store_id, "group_id": group_id, "stale": stale, "now": tx.now}
    return tx.execute(_BEGIN, parameters).one()


def find(tx: Tx, cart_id: uuid.UUID) -> Attempt | None:
    """Return a cart's attempt, or None."""
    return tx.execute(_FIND, {"cart_id": cart_id}).one_or_none()


def fail(tx: Tx, cart_id: uuid.UUID) -> uuid.UUID | None:
    """Give up a cart's unfinished attempt; returns the group it may have reserved under, or None."""
    return tx.execute(_FAIL, {"cart_id": cart_id}).one_or_none()


def convert(tx: Tx, *, cart_id: uuid.UUID, group_id: uuid.UUID, response: bytes) -> bool:
    """Finish an attempt with its answer; False when it is not that group's any more."""
    parameters = {"cart_id": cart_id, "group_id": group_id, "response": response, "now": tx.now}
    return tx.execute(_CONVERT, parameters).rowcount == 1


def find_converted(tx: Tx, cart_or_group_id: uuid.UUID, buyer_store_id: uuid.UUID) -> FinishedCheckout | None:
    """Return a buyer's finished attempt by cart id or group id, or None."""
    return tx.execute(_FIND_CONVERTED, {"id": cart_or_group_id, "buyer": buyer_store_id}).first()


def give_up(tx: Tx, group_ids: Sequence[uuid.UUID]) -> None:
    """Give up the attempts that run under these groups."""
    tx.execute(_GIVE_UP, {"groups": list(group_ids)})


def bought(tx: Tx, group_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return which of these groups are those of finished attempts."""
    return tx.execute(_BOUGHT, {"groups": list(group_ids)}).all()
