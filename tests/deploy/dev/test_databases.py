"""Each service's roles reach its own database only, and the runtime role cannot change tables."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator

import psycopg
import pytest

from deploy.dev import databases
from deploy.dev.stack import Embedded, embedded


@pytest.fixture(scope="module")
def server() -> Iterator[Embedded]:
    with tempfile.TemporaryDirectory(prefix="marketmesh-") as folder:
        pathlib.Path(folder).chmod(0o755)
        state_dir = pathlib.Path(folder) / "state"
        with embedded(parts={"postgres"}, state_dir=state_dir, services=("catalog", "finance")) as running:
            yield running


class TestEnsureDatabases:
    def test_refuses_a_foreign_database(self, server: Embedded) -> None:
        for kind in ("app", "owner"):
            with pytest.raises(psycopg.OperationalError, match='permission denied for database "finance"'):
                psycopg.connect(server.addresses.database_dsn("catalog", kind=kind), dbname="finance")

    def test_refuses_the_servers_own_database(self, server: Embedded) -> None:
        with pytest.raises(psycopg.OperationalError, match='permission denied for database "postgres"'):
            psycopg.connect(server.addresses.database_dsn("catalog"), dbname="postgres")

    def test_refuses_a_wrong_password(self, server: Embedded) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.addresses.database_dsn("catalog"), password="wrong")

    def test_lets_the_owner_make_what_the_app_uses(self, server: Embedded) -> None:
        with psycopg.connect(server.addresses.database_dsn("finance", kind="owner")) as owner:
            owner.execute("create table entries (id bigserial primary key, note text)")

        with psycopg.connect(server.addresses.database_dsn("finance")) as app:
            app.execute("insert into entries (note) values ('one'), ('two')")
            app.execute("update entries set note = 'zwei' where note = 'two'")
            app.execute("delete from entries where note = 'one'")
            rows = app.execute("select id, note from entries").fetchall()

        assert rows == [(2, "zwei")]

    @pytest.mark.parametrize(
        "statement",
        [
            "create table mine (id int)",
            "create schema mine",
            "create temporary table mine (id int)",
            "create extension citext",
            "alter role catalog_app superuser",
        ],
    )
    def test_keeps_the_app_role_from_changing_structure(self, server: Embedded, statement: str) -> None:
        with (
            psycopg.connect(server.addresses.database_dsn("catalog")) as app,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            app.execute(statement)

    def test_gives_catalog_its_extensions(self, server: Embedded) -> None:
        with psycopg.connect(server.addresses.database_dsn("catalog")) as app:
            answer = app.execute("select unaccent('Crème'), similarity('haze', 'haze')").fetchone()

        assert answer == ("Creme", 1.0)

    def test_is_idempotent_and_sets_new_passwords(self, server: Embedded) -> None:
        changed = {**server.addresses.passwords, "catalog_app": "another"}

        databases.ensure_databases(server.addresses.superuser_dsn, ["catalog", "finance"], changed)
        psycopg.connect(server.addresses.database_dsn("catalog"), password="another").close()

        databases.ensure_databases(server.addresses.superuser_dsn, ["catalog", "finance"], server.addresses.passwords)
        psycopg.connect(server.addresses.database_dsn("catalog")).close()
