"""Read a checkout's result again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.commerce.data import attempts, orders

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx


def read_confirmation(
    tx: Tx, *, cart_or_group_id: uuid.UUID, buyer_store_id: uuid.UUID
) -> tuple[bytes, list[tuple[Any, list[Any]]]]:
    """Return the answer given at checkout and its orders with lines as they are now. Raises NotFound."""
    attempt = attempts.find_converted(tx, cart_or_group_id, buyer_store_id)
    if attempt is None:
        raise NotFound
    rows = orders.of_group(tx, attempt.checkout_group_id)
    lines = orders.lines_of(tx, [row.id for row in rows])
    return bytes(attempt.response), [(row, lines[row.id]) for row in rows]
