"""The SQLite file behind the server: what must survive a killed process.

Invariant: a message row exists exactly while some subscription or snapshot holds it. Writes gather
in one open transaction; `commit` is called before any answer that promises durability, and by the
server's clock for the rest. In WAL mode a commit is in the kernel when it returns, which a kill -9
cannot undo; a power loss may.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from deploy.dev.pubsub.delivery import StoredMessage

ResourceKind = Literal["topic", "subscription", "snapshot"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (kind, name)
);
CREATE TABLE IF NOT EXISTS message (
    sequence INTEGER PRIMARY KEY,
    publish_time_ns INTEGER NOT NULL,
    ordering_key TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS holding (
    holder_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    failure_count INTEGER NOT NULL DEFAULT 0,
    acknowledged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (holder_id, sequence)
) WITHOUT ROWID;
"""


class Resource(NamedTuple):
    """A stored topic, subscription or snapshot; `body` is its serialized message."""

    holder_id: int
    kind: ResourceKind
    body: bytes


class Holding(NamedTuple):
    """One message held by one subscription or snapshot."""

    holder_id: int
    message: StoredMessage
    failure_count: int
    acknowledged: bool


class Journal:
    """All reads and writes of the file; used from the event loop only."""

    def __init__(self, *, path: Path) -> None:
        """Open or create the file. Raises sqlite3.OperationalError if another server has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        # Exclusive: two servers on one file would each believe their own memory.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def resources(self) -> Iterator[Resource]:
        """Yield everything that was created and not deleted, oldest first."""
        rows = self._connection.execute("SELECT id, kind, body FROM resource ORDER BY id")
        return (Resource(*row) for row in rows)

    def holdings(self) -> Iterator[Holding]:
        """Yield all held messages in publish order, each message object shared by its holders."""
        rows = self._connection.execute(
            "SELECT sequence, publish_time_ns, ordering_key, body, holder_id, failure_count,"
            " acknowledged FROM message JOIN holding USING (sequence) ORDER BY sequence"
        )
        message: StoredMessage | None = None
        for (
            sequence,
            publish_time_ns,
            ordering_key,
            body,
            holder_id,
            failures,
            acknowledged,
        ) in rows:
            if message is None or message.sequence != sequence:
                message = StoredMessage(
                    sequence=sequence,
                    publish_time_ns=publish_time_ns,
                    ordering_key=ordering_key,
                    body=body,
                )
            message.holder_count += 1
            yield Holding(holder_id, message, failures, bool(acknowledged))

    def last_sequence(self) -> int:
        """Return the highest sequence number on file, 0 if there is none."""
        row = self._connection.execute("SELECT max(sequence) FROM message").fetchone()
        return int(row[0] or 0)

    def save(self, *, kind: ResourceKind, name: str, body: bytes) -> int:
        """Create or replace a resource, durably; return its holder id, which never changes."""
        self._begin()
        row = self._connection.execute(
            "INSERT INTO resource (kind, name, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body RETURNING id",
            (kind, name, body),
        ).fetchone()
        self.commit()
        return int(row[0])

    def forget(self, *, kind: ResourceKind, name: str) -> None:
        """Delete a resource, durably; its holder must have released every message."""
        self._begin()
        self._connection.execute("DELETE FROM resource WHERE kind = ? AND name = ?", (kind, name))
        self.commit()

    def store(self, messages: Sequence[StoredMessage]) -> None:
        """Write new messages; somebody must `hold` each before the commit."""
        self._begin()
        self._connection.executemany(
            "INSERT INTO message VALUES (?, ?, ?, ?)",
            [(one.sequence, one.publish_time_ns, one.ordering_key, one.body) for one in messages],
        )

    def hold(self, *, holder_id: int, messages: Iterable[StoredMessage]) -> None:
        """Make the holder keep `messages`, none of which it holds yet."""
        self._begin()
        rows = []
        for message in messages:
            message.holder_count += 1
            rows.append((holder_id, message.sequence))
        self._connection.executemany("INSERT INTO holding (holder_id, sequence) VALUES (?, ?)", rows)

    def release(self, *, holder_id: int, messages: Iterable[StoredMessage]) -> None:
        """Make the holder let go of `messages`; what nobody holds any more is deleted."""
        self._begin()
        rows, orphans = [], []
        for message in messages:
            rows.append((holder_id, message.sequence))
            message.holder_count -= 1
            if message.holder_count == 0:
                orphans.append((message.sequence,))
        self._connection.executemany("DELETE FROM holding WHERE holder_id = ? AND sequence = ?", rows)
        self._connection.executemany("DELETE FROM message WHERE sequence = ?", orphans)

    def mark(self, *, holder_id: int, messages: Iterable[StoredMessage], acknowledged: bool) -> None:
        """Record which retained messages of the holder are acknowledged."""
        self._begin()
        self._connection.executemany(
            "UPDATE holding SET acknowledged = ?, failure_count = 0 WHERE holder_id = ? AND sequence = ?",
            [(int(acknowledged), holder_id, message.sequence) for message in messages],
        )

    def count_failures(self, *, holder_id: int, message: StoredMessage, failure_count: int) -> None:
        """Record how often the holder failed to process `message`."""
        self._begin()
        self._connection.execute(
            "UPDATE holding SET failure_count = ? WHERE holder_id = ? AND sequence = ?",
            (failure_count, holder_id, message.sequence),
        )

    def commit(self) -> None:
        """Make everything written so far survive a killed process."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Commit and fold the write-ahead log into the file."""
        self.commit()
        self._connection.close()

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
