"""One database and two roles per service, isolated from each other.

Invariant: `<service>_owner` owns its database and migrates it, `<service>_app` reads and writes rows and cannot change
tables, and no role can enter another service's database. Idempotent. Called by stack, tests and the deploy job.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg
from psycopg import sql

# Made by the superuser, because migrations run as a role that owns only its database.
EXTENSIONS = {"catalog": ("pg_trgm", "unaccent")}


def ensure_databases(superuser_dsn: str, services: Iterable[str], passwords: Mapping[str, str]) -> None:
    """Create what is missing and set the passwords.

    `superuser_dsn` names any database of the server; `passwords` has `<service>_owner` and `<service>_app`.
    """
    wanted = tuple(services)
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("revoke all on database postgres, template1 from public")
        for service in wanted:
            for kind in ("owner", "app"):
                _ensure_role(connection, role=f"{service}_{kind}", password=passwords[f"{service}_{kind}"])
            _ensure_database(connection, service=service)
    for service in wanted:
        with psycopg.connect(superuser_dsn, dbname=service, autocommit=True) as connection:
            _grant(connection, service=service)


def _ensure_role(connection: psycopg.Connection, *, role: str, password: str) -> None:
    found = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
    verb = sql.SQL("alter" if found else "create")
    connection.execute(
        sql.SQL("{} role {} with login nosuperuser nocreatedb nocreaterole password {}").format(
            verb, sql.Identifier(role), sql.Literal(password)
        )
    )


def _ensure_database(connection: psycopg.Connection, *, service: str) -> None:
    names = {"database": sql.Identifier(service), "owner": sql.Identifier(f"{service}_owner")}
    if connection.execute("select 1 from pg_database where datname = %s", (service,)).fetchone() is None:
        connection.execute(sql.SQL("create database {database} owner {owner}").format(**names))
    connection.execute(sql.SQL("alter database {database} owner to {owner}").format(**names))


def _grant(connection: psycopg.Connection, *, service: str) -> None:
    names = {
        "database": sql.Identifier(service),
        "owner": sql.Identifier(f"{service}_owner"),
        "app": sql.Identifier(f"{service}_app"),
    }
    for extension in EXTENSIONS.get(service, ()):
        connection.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(extension)))
    for statement in (
        "revoke all on database {database} from public",
        "grant connect on database {database} to {app}",
        "alter schema public owner to {owner}",
        "revoke all on schema public from public",
        "grant usage on schema public to {app}",
        "alter default privileges for role {owner} grant select, insert, update, delete on tables to {app}",
        "alter default privileges for role {owner} grant usage, select on sequences to {app}",
    ):
        connection.execute(sql.SQL(statement).format(**names))
