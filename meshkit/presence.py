"""Shows the other processes of a service that this one lives, so that they know whose flows are abandoned.

It is a lock on the database that a session holds: when the process dies the lock is gone, at once and without a clock. A lost
connection looks like a death; then a flow may be run twice at once, and the run that is overtaken has no effect (flow.py).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import psycopg

from meshkit.obs.logging import get_logger

if TYPE_CHECKING:
    import threading

# First half of the advisory lock's key, which keeps it apart from other locks; the second half is the process's number.
_CLASS = 7_362_003
_EVERY_S = 1.0
# Numbers of the processes that are alive.
LIVING = f"""
    SELECT CAST(objid AS bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {_CLASS} AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608


class Presence:
    """One per process; `number` is its name while it is known to live, None while it is not."""

    def __init__(self, url: str) -> None:
        """`url` is that of the service's database; nothing is opened yet."""
        self._url = url.replace("+psycopg", "", 1)
        self._own = secrets.randbelow(2**31)
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def number(self) -> int | None:
        """Return the process's number, or None while nobody can see that it lives: then only the leases of its flows count."""
        return self._own if self._connection is not None else None

    def hold(self) -> None:
        """Show that the process lives, again if the connection was lost; without a database it is tried again later."""
        try:
            if self._connection is None:
                connection = psycopg.connect(self._url, autocommit=True, connect_timeout=3)
                connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (_CLASS, self._own))
                self._connection = connection
            else:
                self._connection.execute("SELECT 1")
        except psycopg.Error as error:
            get_logger().warning("presence.lost", error=str(error)[:300])
            self.close()

    def watch(self, stop: threading.Event) -> None:
        """Keep showing it until told to stop."""
        while not stop.wait(_EVERY_S):
            self.hold()

    def close(self) -> None:
        """Stop showing it."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
