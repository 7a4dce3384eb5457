"""Settles reservations past their time, every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.errors import MeshError
from meshkit.ids import new_id
from meshkit.obs.logging import get_logger
from services.catalog.stock.flows.settle_reservations import settle_reservations

if TYPE_CHECKING:
    import threading

    from meshkit.db.tx import Transactions
    from services.catalog.outbound.ports import Checkouts

_BATCH = 500


@dataclass(frozen=True)
class ReservationSweep:
    """One per serving process; two at once only do work twice."""

    transactions: Transactions
    checkouts: Checkouts
    every_seconds: float

    def run(self, stop: threading.Event) -> None:
        """Settle what is due, until `stop` is set."""
        while not stop.wait(self.every_seconds):
            try:
                while self.settle_due() == _BATCH and not stop.is_set():
                    pass
            except (MeshError, SQLAlchemyError) as error:
                get_logger().warning("reservations.not_settled", error=str(error)[:300])

    def settle_due(self) -> int:
        """Settle what is due now, a bounded number; returns how many were. Raises DependencyUnavailable."""
        call = Call(request_id=f"job-settle-reservations-{new_id().hex}")
        return settle_reservations(self.transactions, call, checkouts=self.checkouts, limit=_BATCH)
