"""Makes the bucket on a developer's machine; elsewhere the bucket is part of the deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import DependencyUnavailable
from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import threading

    from services.media.outbound.ports import BucketMaker

_AWAY_SECONDS = 0.5
_LOOK_AGAIN_SECONDS = 30.0


@dataclass(frozen=True)
class BucketKeeper:
    """Waits for the store, makes the bucket, and looks again from time to time: a wiped store heals."""

    maker: BucketMaker

    def run(self, stop: threading.Event) -> None:
        """Keep the bucket until told to stop."""
        while not stop.is_set():
            stop.wait(_LOOK_AGAIN_SECONDS if self._is_there() else _AWAY_SECONDS)

    def _is_there(self) -> bool:
        try:
            self.maker.ensure_bucket()
        except DependencyUnavailable as error:
            get_logger().debug("media.store_away", error=str(error.__cause__)[:300])
            return False
        return True
