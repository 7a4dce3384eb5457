"""Which SQL a service runs, and how Postgres would go about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from meshkit.call import Call
from meshkit.db.engine import Database, Session
from meshkit.db.sql import Sql, sql
from meshkit.db.tx import Tx


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


@contextmanager
def owner_transaction(url: str, *, now: datetime) -> Iterator[Tx]:
    """Yield a transaction of a database's owner, who may do anything; it is rolled back in the end."""
    engine = sa.create_engine(url)
    session = Session(engine)
    try:
        yield Tx(now=now, call=Call(), connect=lambda: session)
    finally:
        session.rollback()
        session.close()
        engine.dispose()


def leave_only(tx: Tx, index: str) -> None:
    """Drop the other indexes of that table which no constraint needs, in an owner's transaction: it is rolled back.

    With few rows the planner finds one as good as another, and is right.
    """
    others = tx.execute(
        sa.text(
            "SELECT other.indexname FROM pg_indexes mine JOIN pg_indexes other USING (schemaname, tablename)"
            " WHERE mine.indexname = :index AND other.indexname <> :index"
            " AND other.indexname NOT IN (SELECT conname FROM pg_constraint)"
        ),
        {"index": index},
    ).scalars()
    for other in others.all():
        tx.execute(sa.text(f"DROP INDEX {other}"))


def plan_of(tx: Tx, query: Callable[[], object]) -> str:
    """Run a query of one statement and return the plan of that statement."""
    plans: list[str] = []
    run = Session.execute

    def execute(self: Session, statement: Any, parameters: Any) -> Any:
        if isinstance(statement, Sql):
            rows = run(self, sql(f"EXPLAIN {statement.text}"), parameters)
            plans.append("\n".join(row[0] for row in rows))
        return run(self, statement, parameters)

    def explain(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("EXPLAIN"):
            plans.append("\n".join(tx.session.core.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()))

    sa.event.listen(tx.session.core, "before_cursor_execute", explain)
    try:
        with patch.object(Session, "execute", execute):
            query()
    finally:
        sa.event.remove(tx.session.core, "before_cursor_execute", explain)
    (plan,) = plans
    return plan
