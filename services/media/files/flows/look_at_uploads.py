"""Look at objects that arrived and remove those of failed files: what needs the object store, outside transactions.

One object that the store refuses holds up none of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.call import Call
from meshkit.errors import DependencyUnavailable
from meshkit.obs.logging import get_logger
from services.media.files.data import media
from services.media.files.usecases.record_upload import record_upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshkit.db.tx import Transactions
    from services.media.outbound.ports import ObjectFinder, ObjectRemover

_BATCH = 50
# No object has this name: a store that answers "not found" to it is up.
_NOBODY = "nothing-is-here"
# Asked again after 2, 4, 8 … seconds, at most an hour; so many times an arrival is believed, a little more than two hours.
LOOKS = 12
LONGEST = timedelta(hours=1)


@dataclass(frozen=True)
class Uploads:
    """What arrived and what failed; two that look at the same object find the same."""

    transactions: Transactions
    finder: ObjectFinder
    remover: ObjectRemover

    def look_once(self) -> int:
        """Look at and remove what is due, a bounded number; returns how many. Raises DependencyUnavailable."""
        with self.transactions.read(Call()) as tx:
            arrived = media.arrived(tx, limit=_BATCH)
            failed = media.to_remove(tx, limit=_BATCH)
        for key in arrived:
            self._try(self._look, key)
        for key in failed:
            self._try(self._remove, key)
        return len(arrived) + len(failed)

    def _try(self, work: Callable[[str], None], key: str) -> None:
        """Do what one object needs, or put it off. Raises DependencyUnavailable when the store answers for no other either."""
        try:
            work(key)
        except DependencyUnavailable as error:
            self.finder.find(_NOBODY)
            self._put_off(key, str(error.__cause__ or error))

    def _look(self, key: str) -> None:
        stored = self.finder.find(key)
        with self.transactions.write(Call()) as tx:
            if stored is None:
                media.forget_arrival(tx, key)
            else:
                record_upload(tx, gcs_key=key, stored=stored)

    def _remove(self, key: str) -> None:
        self.remover.remove(key)
        with self.transactions.write(Call()) as tx:
            media.note_removal(tx, key)

    def _put_off(self, key: str, why: str) -> None:
        with self.transactions.write(Call()) as tx:
            row = media.lock_by_key(tx, key)
            if row is None:
                return
            times = row.refused_times + 1
            get_logger().warning("media.object_refused", media_id=str(row.id), times=times, error=why[:300])
            if row.status == "pending" and times >= LOOKS:
                # As if it had not come: finalising looks again, a new notice too, and a week later it is forgotten.
                media.forget_arrival(tx, key)
                return
            # A failed file is asked for without end: the power stays small, however often that was.
            pause = min(timedelta(seconds=2 ** min(times, LOOKS)), LONGEST)
            media.put_off(tx, key, times=times, until=tx.now + pause)
