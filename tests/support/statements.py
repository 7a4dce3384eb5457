"""Which SQL a service runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from meshkit.db.engine import Database, Session


@contextmanager
def recorded_statements(database: Database) -> Iterator[list[list[str]]]:
    """Collect the statements of a database's sessions from now on, one list for each session."""
    sessions: dict[Session, list[str]] = {}
    seen: list[list[str]] = []
    run = Session.execute

    def execute(self: Session, statement: Any, parameters: Any) -> Any:
        if self.engine in database.engines:
            if self not in sessions:
                seen.append(sessions.setdefault(self, []))
            sessions[self].append(str(getattr(statement, "text", statement)))
        return run(self, statement, parameters)

    with patch.object(Session, "execute", execute):
        yield seen
