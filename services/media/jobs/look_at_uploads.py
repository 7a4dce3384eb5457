"""Looks at objects that arrived and removes those of failed files: what needs the object store, outside transactions.

A loop over rows, not a handler: a store that is away delays it and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from meshkit.call import Call
from meshkit.errors import DependencyUnavailable
from meshkit.obs.logging import get_logger
from services.media.data import media
from services.media.usecases.record_upload import record_upload

if TYPE_CHECKING:
    import threading

    from meshkit.db.tx import Transactions
    from services.media.outbound.ports import ObjectFinder, ObjectRemover

_BATCH = 50
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
        """Look at and remove what waits, a bounded number; returns how many. Raises DependencyUnavailable."""
        with self.transactions.read(Call()) as tx:
            arrived = media.arrived(tx, limit=_BATCH)
            failed = media.to_remove(tx, limit=_BATCH)
        for key in arrived:
            self._look(key)
        for key in failed:
            self.remover.remove(key)
            with self.transactions.write(Call()) as tx:
                media.note_removal(tx, key)
        return len(arrived) + len(failed)

    def _look(self, key: str) -> None:
        stored = self.finder.find(key)
        with self.transactions.write(Call()) as tx:
            if stored is None:
                media.forget_arrival(tx, key)
            else:
                record_upload(tx, gcs_key=key, stored=stored)
