"""Reservations past their time: what was bought stays reserved, all else goes back on the shelf.

Only commerce knows which, so it is asked. Until it answers nothing is given back: the news of an order may be late by
hours, and units that are sold already would be sold again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.errors import MeshError
from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from services.catalog.stock.data import reservations
from services.catalog.stock.usecases.settle_reservations import BATCH, settle_reservations

if TYPE_CHECKING:
    import threading

    from meshkit.db.tx import Transactions
    from services.catalog.outbound.ports import Checkouts


@dataclass(frozen=True)
class ReservationSweep:
    """One per serving process; two at once only do work twice."""

    transactions: Transactions
    checkouts: Checkouts
    every_seconds: float

    def run(self, stop: threading.Event) -> None:
        """Settle what is due, until told to stop."""
        while not stop.wait(self.every_seconds):
            try:
                while self.settle_due() == BATCH and not stop.is_set():
                    pass
            except (MeshError, SQLAlchemyError) as error:
                get_logger().warning("reservations.not_settled", error=str(error)[:300])

    def settle_due(self) -> int:
        """Settle what is due now, a bounded number; returns how many were. Raises DependencyUnavailable."""
        call = Call(request_id=f"job-settle-reservations-{new_id().hex}")
        with self.transactions.read(call) as tx:
            due = reservations.due(tx, limit=BATCH)
        if not due:
            return 0
        bought = self.checkouts.settle(call, {row.group_id for row in due})
        with self.transactions.write(call) as tx:
            return settle_reservations(tx, due, bought=bought)
