"""What goes wrong, drawn from the seed: processes die or stall, messages come again, clocks jump."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from deploy.dev.ports import SERVICES
from deploy.tools.connection import transactions_of
from deploy.tools.running_mesh import RunningMesh
from meshkit.call import Call
from meshkit.db.sql import sql

_MORTAL = [*SERVICES, "envoy", "valkey", "postgres"]
_STALLING = [*SERVICES, "envoy", "valkey"]
_TALKATIVE = ["identity", "catalog", "commerce", "fulfillment", "finance"]
_BACK_WITHIN_S = 60.0
# The file that says how far the services' clocks are off (meshkit/clock.py).
CLOCKS = "clocks"
# How far a clock is off, and for how long: longer than until the file is read again.
_OFF_S, _OFF_FOR_S = (60.0, 240.0), (1.2, 3.0)
_PUBLISH_AGAIN = sql("UPDATE outbox SET published_at = NULL, attempts = 0 WHERE published_at > :since RETURNING seq")


@dataclass
class Misfortune:
    """Does harm until stopped; `done` tells what, in order."""

    mesh: RunningMesh
    clocks: Path
    dice: random.Random
    stop: threading.Event
    done: list[str] = field(default_factory=list)

    def run(self) -> None:
        """One misfortune at a time: the next comes when the mesh stands again."""
        while not self.stop.wait(self.dice.uniform(0.4, 1.5)):
            kind = self.dice.choices(("kill", "stall", "repeat", "jump"), weights=(5, 2, 3, 3))[0]
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
        """Duplicate and reorder: every consumer gets what a service published of late again, old behind new.

        It is what a relay does that dies after publishing and before it has noted that.
        """
        service = self.dice.choice(_TALKATIVE)
        transactions = transactions_of(service)
        try:
            with transactions.write(Call()) as tx:
                since = tx.now - timedelta(seconds=self.dice.uniform(1.0, 10.0))
                again = len(list(tx.execute(_PUBLISH_AGAIN, {"since": since})))
            self.done.append(f"repeat {again} events of {service}")
        except SQLAlchemyError as error:
            self.done.append(f"repeat failed: {type(error).__name__}")
        finally:
            transactions.database.close()

    def _jump(self) -> None:
        """Set clocks ahead or back by minutes, one service's or all of them, and then right again.

        What was begun with a wrong clock goes on with the right one, sometimes in a new process.
        """
        off_s = self.dice.choice((-1, 1)) * self.dice.uniform(*_OFF_S)
        chosen = self.dice.choice([*SERVICES, "all"])
        services = SERVICES if chosen == "all" else (chosen,)
        self.done.append(f"jump {chosen} by {off_s:.0f} s")
        self.clocks.write_text("".join(f"{service} {off_s}\n" for service in services))
        time.sleep(self.dice.uniform(*_OFF_FOR_S))
        if self.dice.random() < 0.5:
            victim = self.dice.choice(services)
            self.done.append(f"kill {victim}")
            self.mesh.kill(victim)
        self.clocks.write_text("")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _BACK_WITHIN_S
        while not self.mesh.is_ready() and time.monotonic() < deadline:
            if self.stop.wait(0.2):
                return
