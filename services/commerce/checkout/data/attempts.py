"""SQL about checkout attempts: one per cart, the group id is decided before stock is reserved."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


class Attempt(NamedTuple):
    """Where the checkout of a cart stands; it has an answer once the cart is converted."""

    checkout_group_id: uuid.UUID
    state: str
    started_at: datetime
    response: bytes | None


class FinishedCheckout(NamedTuple):
    """What a checkout made, and the answer that it gave."""

    checkout_group_id: uuid.UUID
    response: bytes


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
_SETTLE = """
    WITH running AS (
        SELECT {key} FROM {table} WHERE checkout_group_id = ANY(CAST(:groups AS uuid[])) AND state = 'reserving'
        ORDER BY {key} FOR UPDATE
    )
    UPDATE {table} t SET state = 'failed' FROM running r WHERE t.{key} = r.{key} AND t.state = 'reserving'
"""
_SETTLE_CHECKOUTS = sql(_SETTLE.format(table="checkout_attempts", key="cart_id"))
_SETTLE_RETRIES = sql(_SETTLE.format(table="order_retries", key="order_id"))
_BOUGHT = sql(
    """
    SELECT checkout_group_id FROM checkout_attempts
    WHERE checkout_group_id = ANY(CAST(:groups AS uuid[])) AND state = 'converted'
    UNION ALL
    SELECT checkout_group_id FROM order_retries
    WHERE checkout_group_id = ANY(CAST(:groups AS uuid[])) AND state = 'converted'
    """,
    uuid.UUID,
)


def settle(tx: Tx, group_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Give up the groups, of checkouts and of retries, that are not bought; returns those that are."""
    parameters = {"groups": list(group_ids)}
    tx.execute(_SETTLE_CHECKOUTS, parameters)
    tx.execute(_SETTLE_RETRIES, parameters)
    # Read after the locks are taken: a checkout that was about to finish has done so by now, or never will.
    return tx.execute(_BOUGHT, parameters).all()


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
