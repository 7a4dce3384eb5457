"""Objects and their generations in one SQLite file.

Invariant: a look at the generation and the write that depends on it are one transaction, so that of two uploads that
both expect nothing only one is stored.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
import time
from pathlib import Path

from deploy.dev.objects.refusals import missing, precondition

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, name TEXT, generation INTEGER, content_type TEXT, data BLOB, PRIMARY KEY (bucket, name)
);
"""


@dataclasses.dataclass(frozen=True)
class Stored:
    """One object."""

    bucket: str
    name: str
    generation: int
    content_type: str
    data: bytes

    def metadata(self) -> dict[str, str]:
        """Return the object as the JSON API tells it; numbers are text there."""
        return {
            "kind": "storage#object",
            "bucket": self.bucket,
            "name": self.name,
            "generation": str(self.generation),
            "contentType": self.content_type,
            "size": str(len(self.data)),
        }


class Shelf:
    """Keeps everything; safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def has_bucket(self, bucket: str) -> bool:
        """Return whether the bucket exists."""
        with self._lock:
            return bool(self._database.execute("SELECT 1 FROM buckets WHERE name = ?", (bucket,)).fetchone())

    def make_bucket(self, bucket: str) -> bool:
        """Make a bucket; returns False when it exists."""
        with self._lock, self._database as database:
            return bool(database.execute("INSERT OR IGNORE INTO buckets VALUES (?)", (bucket,)).rowcount)

    def put(self, bucket: str, name: str, *, content_type: str, data: bytes, expected: int | None) -> Stored:
        """Store an object as a new generation. `expected`: the generation to replace, 0 for none, None for any."""
        if not self.has_bucket(bucket):
            raise missing("NoSuchBucket")
        with self._lock, self._database as database:
            current = self._generation(bucket, name)
            if expected is not None and expected != current:
                raise precondition()
            stored = Stored(bucket, name, max(time.time_ns() // 1000, current + 1), content_type, data)
            values = (bucket, name, stored.generation, content_type, data)
            database.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", values)
            return stored

    def get(self, bucket: str, name: str, *, generation: int | None = None) -> Stored:
        """Return an object. Raises Refused when it, or that generation of it, is not there."""
        sql = "SELECT bucket, name, generation, content_type, data FROM objects WHERE bucket = ? AND name = ?"
        with self._lock:
            row = self._database.execute(sql, (bucket, name)).fetchone()
        if row is None or generation not in (None, row[2]):
            raise missing("NoSuchKey")
        return Stored(*row)

    def delete(self, bucket: str, name: str, *, expected: int | None) -> None:
        """Remove an object, if it has that generation."""
        with self._lock, self._database as database:
            current = self._generation(bucket, name)
            if not current:
                raise missing("NoSuchKey")
            if expected is not None and expected != current:
                raise precondition()
            database.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (bucket, name))

    def _generation(self, bucket: str, name: str) -> int:
        sql = "SELECT generation FROM objects WHERE bucket = ? AND name = ?"
        row = self._database.execute(sql, (bucket, name)).fetchone()
        return int(row[0]) if row else 0
