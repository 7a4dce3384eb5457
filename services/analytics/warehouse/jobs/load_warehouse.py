"""Loads the warehouse, again and again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit.errors import DependencyUnavailable
from meshkit.obs.logging import get_logger
from services.analytics.warehouse.flows.load_rows import BATCH, load_rows

if TYPE_CHECKING:
    from meshkit.db.tx import Transactions
    from services.analytics.outbound.ports import Warehouse

# A load costs the warehouse the same for one row or a thousand.
_IDLE_SECONDS = 2.0
_AWAY_SECONDS = 2.0


@dataclass(frozen=True)
class WarehouseLoader:
    """One loader per process; two at once only do work twice, never rows."""

    transactions: Transactions
    warehouse: Warehouse

    def run(self, stop: threading.Event) -> None:
        """Load until told to stop; a warehouse that is away is waited for."""
        away = False
        while not stop.is_set():
            try:
                loaded = self.load_once()
                away = False
            except (DependencyUnavailable, SQLAlchemyError) as error:
                if not away:
                    get_logger().warning("warehouse.away", error=str(error.__cause__ or error)[:300])
                away, loaded = True, 0
            if loaded < BATCH:
                stop.wait(_AWAY_SECONDS if away else _IDLE_SECONDS)

    def load_once(self) -> int:
        """Load one batch; returns how many rows. Raises DependencyUnavailable."""
        return load_rows(self.transactions, warehouse=self.warehouse)
