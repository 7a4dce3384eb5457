"""Looks at uploads again and again: a store that is away delays it and loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit.errors import DependencyUnavailable
from meshkit.obs.logging import get_logger
from services.media.files.flows.look_at_uploads import Uploads

if TYPE_CHECKING:
    import threading

    from meshkit.db.tx import Transactions
    from services.media.outbound.ports import ObjectFinder, ObjectRemover

_IDLE_SECONDS = 0.25
_AWAY_SECONDS = 2.0


@dataclass(frozen=True)
class UploadInspector:
    """One per process; two that look at the same object find the same."""

    transactions: Transactions
    finder: ObjectFinder
    remover: ObjectRemover

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop; a store that is away is waited for."""
        while not stop.is_set():
            try:
                pause = 0.0 if self.look_once() else _IDLE_SECONDS
            except (DependencyUnavailable, SQLAlchemyError) as error:
                get_logger().warning("media.inspection_waits", error=str(error)[:300])
                pause = _AWAY_SECONDS
            stop.wait(pause)

    def look_once(self) -> int:
        """Look at and remove what is due, a bounded number; returns how many. Raises DependencyUnavailable."""
        return Uploads(self.transactions, self.finder, self.remover).look_once()
