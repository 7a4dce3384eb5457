"""What goes wrong, drawn from the seed: processes die or stall, messages come again."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from google.api_core import exceptions as google

from deploy.cli.topology import declared
from meshkit.events.bus import Bus
from tests.e2e.running_mesh import ALL_SERVICES, RunningMesh

_MORTAL = [*ALL_SERVICES, "envoy", "valkey", "postgres"]
_STALLING = [*ALL_SERVICES, "envoy", "valkey"]
_BACK_WITHIN_S = 60.0


@dataclass
class Misfortune:
    """Does harm until stopped; `done` tells what, in order."""

    mesh: RunningMesh
    bus: Bus
    dice: random.Random
    stop: threading.Event
    done: list[str] = field(default_factory=list)

    def run(self) -> None:
        """One misfortune at a time: the next comes when the mesh stands again."""
        while not self.stop.wait(self.dice.uniform(0.4, 1.5)):
            kind = self.dice.choices(("kill", "stall", "repeat"), weights=(5, 2, 3))[0]
            getattr(self, f"_{kind}")()
            self._wait_until_ready()

    def _kill(self) -> None:
        victim = self.dice.choice(_MORTAL)
        self.done.append(f"kill {victim}")
        self.mesh.kill(victim)

    def _stall(self) -> None:
        """Delay: a process that takes calls and messages and does not answer for a while."""
        victim = self.dice.choice(_STALLING)
        if self.mesh.pid_of(victim) is None:
            return
        self.done.append(f"stall {victim}")
        with self.mesh.frozen(victim):
            time.sleep(self.dice.uniform(0.3, 1.5))

    def _repeat(self) -> None:
        """Duplicate and reorder: a consumer gets everything of the last seconds again, old before new."""
        consumer = self.dice.choice(declared().consumers)
        self.done.append(f"repeat {consumer.subscription}")
        since = datetime.now(UTC) - timedelta(seconds=self.dice.uniform(1.0, 10.0))
        path = self.bus.subscription_path(consumer.subscription)
        try:
            self.bus.subscriber.seek(request={"subscription": path, "time": since}, timeout=5.0)
        except google.GoogleAPIError as error:
            self.done.append(f"repeat failed: {type(error).__name__}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _BACK_WITHIN_S
        while not self.mesh.is_ready() and time.monotonic() < deadline:
            if self.stop.wait(0.2):
                return
