"""Runs a service's alembic migrations as the owner role. Called by `<service> migrate` and by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOCK_NOT_AVAILABLE = "55P03"
_PLATFORM_SQL = Path(__file__).with_name("platform.sql")
_LOCK = 7_362_001
PLATFORM_TABLES = (
    "job_runs", "inbox_dlq", "inbox", "outbox_dlq", "outbox", "audit_chain", "audit_log", "idempotency_keys",
)  # fmt: skip


class MigrationRefused(Exception):
    """Nothing was migrated, and the reason is not the code: it says what the operator can do."""


def upgrade(*, service: str, url: str, revision: str = "head") -> None:
    """Bring a service's database to `revision`; two processes at once wait for each other. Raises MigrationRefused."""
    _run(service=service, url=url, step=lambda config: command.upgrade(config, revision))


def downgrade(*, service: str, url: str, revision: str) -> None:
    """Take a service's database back to `revision`. Raises MigrationRefused."""
    _run(service=service, url=url, step=lambda config: command.downgrade(config, revision))


def _run(*, service: str, url: str, step: object) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text("SET LOCAL lock_timeout = '4s'"))
            step(_config(service, connection))  # type: ignore[operator]
    except CommandError as error:
        raise MigrationRefused(str(error)) from None
    except DBAPIError as error:
        reason = _refusal(error)
        if reason is None:
            raise
        raise MigrationRefused(reason) from None
    finally:
        engine.dispose()


def _refusal(error: DBAPIError) -> str | None:
    """Return why Postgres refused: a migration asked it to, a table is in use, or it is away. None for a defect."""
    refusal = error.orig
    if not isinstance(refusal, psycopg.Error):
        return None
    if refusal.diag.source_function == "exec_stmt_raise":
        return refusal.diag.message_primary
    if refusal.sqlstate == _LOCK_NOT_AVAILABLE:
        return "somebody else holds a table for longer than 4 s; try again when less is going on"
    if error.connection_invalidated or refusal.sqlstate is None:
        return f"a database does not answer: {' '.join(str(refusal).split())}"
    return None


def _config(service: str, connection: Connection) -> Config:
    migrations = Path(__file__).resolve().parent.parent.parent / "services" / service / "migrations"
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    return config


def run_env() -> None:
    """Do all that a service's migrations/env.py has to do."""
    from alembic import context

    context.configure(connection=context.config.attributes["connection"])
    context.run_migrations()


def create_platform_tables() -> None:
    """Create the chassis's tables; the first step of every service's first migration."""
    op.execute(_PLATFORM_SQL.read_text())
    # Append-only by grant: the runtime role has no way to change a row that is written.
    make_append_only("audit_log")


def drop_platform_tables() -> None:
    """Undo create_platform_tables."""
    drop_append_only("audit_log")
    for table in PLATFORM_TABLES:
        op.execute(f"DROP TABLE {table}")


def make_append_only(table: str) -> None:
    """Take UPDATE, DELETE and TRUNCATE on a table from every role but its owner, and refuse them by trigger as well."""
    op.execute(
        f"""
        CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_append_only();
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only();
        DO $$ DECLARE grantee text; BEGIN
            FOR grantee IN SELECT rolname FROM pg_roles WHERE rolname = current_database() || '_app' LOOP
                EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM %I', grantee);
            END LOOP;
        END $$;
        """  # noqa: S608
    )


def add_discards() -> None:
    """Add to dead letters who discarded them, and why: platform.sql was released without these columns and is frozen."""
    for table in ("outbox_dlq", "inbox_dlq"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN discarded_at timestamptz, ADD COLUMN discarded_by text,"
            " ADD COLUMN discard_reason text"
        )


def drop_discards() -> None:
    """Undo add_discards."""
    for table in ("outbox_dlq", "inbox_dlq"):
        op.execute(
            f"ALTER TABLE {table} DROP COLUMN discarded_at, DROP COLUMN discarded_by, DROP COLUMN discard_reason"
        )


def require_stopped() -> None:
    """Refuse a migration that running code could not live with, while the service's runtime role is connected."""
    op.execute(
        """
        DO $$ BEGIN
            IF EXISTS (SELECT 1 FROM pg_stat_activity
                       WHERE datname = current_database() AND usename = current_database() || '_app') THEN
                RAISE EXCEPTION '% is still running: stop it, migrate, and start it again', current_database()
                    USING ERRCODE = 'object_in_use';
            END IF;
        END $$
        """
    )


def take_away(rights: Mapping[str, Sequence[str]]) -> None:
    """Take rights (`UPDATE, DELETE`) on tables from the runtime role, if there is one."""
    _for_runtime_role("REVOKE {rights} ON {tables} FROM %I", rights)


def give_back(rights: Mapping[str, Sequence[str]]) -> None:
    """Undo take_away."""
    _for_runtime_role("GRANT {rights} ON {tables} TO %I", rights)


def _for_runtime_role(statement: str, rights: Mapping[str, Sequence[str]]) -> None:
    for right, tables in rights.items():
        each = statement.format(rights=right, tables=", ".join(tables))
        op.execute(
            f"""
            DO $$ DECLARE grantee text; BEGIN
                FOR grantee IN SELECT rolname FROM pg_roles WHERE rolname = current_database() || '_app' LOOP
                    EXECUTE format('{each}', grantee);
                END LOOP;
            END $$;
            """  # noqa: S608
        )


def drop_append_only(table: str) -> None:
    """Undo make_append_only before the table is dropped."""
    op.execute(f"DROP FUNCTION {table}_append_only() CASCADE")
