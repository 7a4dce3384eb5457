"""Settle reservations past their time: what was bought stays reserved, all else goes back on the shelf.

Only commerce knows which, so it is asked. Until it answers nothing is given back: the event of an order may be late by
hours, and units that are sold already would be sold again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.stock.data import reservations
from services.catalog.stock.usecases import settle_reservations as record

if TYPE_CHECKING:
    from meshkit.call import Call
    from meshkit.db.tx import Transactions
    from services.catalog.outbound.ports import Checkouts


def settle_reservations(transactions: Transactions, call: Call, *, checkouts: Checkouts, limit: int) -> int:
    """Settle up to `limit` reservations that are due now; returns how many were. Raises DependencyUnavailable."""
    with transactions.read(call) as tx:
        due = reservations.due(tx, limit=limit)
    if not due:
        return 0
    bought = checkouts.settle(call, {reservation.group_id for reservation in due})
    with transactions.write(call) as tx:
        return record.settle_reservations(tx, due, bought=bought)
