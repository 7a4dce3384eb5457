"""The bucket appears once the store does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from meshkit.errors import DependencyUnavailable
from services.media.files.jobs.keep_bucket import BucketKeeper


@dataclass
class LateStore:
    """A store that is away the first time it is asked."""

    asked: int = 0
    made: threading.Event = field(default_factory=threading.Event)

    def ensure_bucket(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise DependencyUnavailable("away", dependency="object_store")
        self.made.set()


class TestRun:
    def test_waits_for_a_store_that_is_away_and_ends_when_told(self) -> None:
        store, stop = LateStore(), threading.Event()
        thread = threading.Thread(target=BucketKeeper(store).run, args=(stop,))

        thread.start()
        made = store.made.wait(5)
        stop.set()
        thread.join(5)

        assert made
        assert not thread.is_alive()
        assert store.asked == 2
