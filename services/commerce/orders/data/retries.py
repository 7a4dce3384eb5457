"""SQL about retries of expired orders: at most one new order each, its group decided before stock is reserved.

A retry is begun and finished while the expired order's row is locked; it may be given up without, so who finishes looks again.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.sql import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx


class RetryAttempt(NamedTuple):
    """Where the retry of an order stands; it has an answer once it is finished."""

    checkout_group_id: uuid.UUID
    state: str
    response: bytes | None


_FIND = sql("SELECT {columns} FROM order_retries WHERE order_id = :order_id", RetryAttempt)
# A running retry keeps its group; one that was refused, or whose reservations may have expired, gets a new one.
_BEGIN = sql(
    """
    INSERT INTO order_retries AS r (order_id, checkout_group_id, state, started_at)
    VALUES (:order_id, :group_id, 'reserving', :now)
    ON CONFLICT ON CONSTRAINT order_retries_pk DO UPDATE SET state = 'reserving',
        checkout_group_id = CASE WHEN r.state = 'failed' OR r.started_at < :stale THEN excluded.checkout_group_id
                                 ELSE r.checkout_group_id END,
        started_at = CASE WHEN r.state = 'failed' OR r.started_at < :stale THEN excluded.started_at
                          ELSE r.started_at END
    RETURNING checkout_group_id
    """,
    uuid.UUID,
)
_FAIL = sql(
    "UPDATE order_retries SET state = 'failed'"
    " WHERE order_id = :order_id AND checkout_group_id = :group_id AND state = 'reserving'"
)
_CONVERT = sql(
    "UPDATE order_retries SET state = 'converted', response = :response"
    " WHERE order_id = :order_id AND checkout_group_id = :group_id AND state = 'reserving'"
)
# Rows are locked in the order of their keys, as everywhere.
_GIVE_UP = sql(
    """
    WITH running AS (
        SELECT order_id FROM order_retries
        WHERE checkout_group_id = ANY(CAST(:groups AS uuid[])) AND state = 'reserving' ORDER BY order_id FOR UPDATE
    )
    UPDATE order_retries t SET state = 'failed' FROM running r WHERE t.order_id = r.order_id AND t.state = 'reserving'
    """
)
_BOUGHT = sql(
    "SELECT checkout_group_id FROM order_retries"
    " WHERE checkout_group_id = ANY(CAST(:groups AS uuid[])) AND state = 'converted'",
    uuid.UUID,
)


def find(tx: Tx, order_id: uuid.UUID) -> RetryAttempt | None:
    """Return where the retry of an order stands, or None."""
    return tx.execute(_FIND, {"order_id": order_id}).one_or_none()


def begin(tx: Tx, *, order_id: uuid.UUID, group_id: uuid.UUID, stale: datetime) -> uuid.UUID:
    """Start or continue the retry of an order that has none yet; returns the group id to reserve under."""
    parameters = {"order_id": order_id, "group_id": group_id, "stale": stale, "now": tx.now}
    return tx.execute(_BEGIN, parameters).one()


def fail(tx: Tx, *, order_id: uuid.UUID, group_id: uuid.UUID) -> None:
    """Give up a running retry: the next one reserves under another group."""
    tx.execute(_FAIL, {"order_id": order_id, "group_id": group_id})


def convert(tx: Tx, *, order_id: uuid.UUID, group_id: uuid.UUID, response: bytes) -> bool:
    """Finish a running retry with its answer; False when it is not that group's any more, or was given up."""
    return tx.execute(_CONVERT, {"order_id": order_id, "group_id": group_id, "response": response}).rowcount == 1


def give_up(tx: Tx, group_ids: Sequence[uuid.UUID]) -> None:
    """Give up the retries that run under these groups."""
    tx.execute(_GIVE_UP, {"groups": list(group_ids)})


def bought(tx: Tx, group_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return which of these groups are those of finished retries."""
    return tx.execute(_BOUGHT, {"groups": list(group_ids)}).all()
