"""`marketmesh migrate` says in one line why a database was not migrated."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from meshkit.db import migrate
from tests.support.database_copy import running_on
from tests.support.mesh_harness import MeshHarness

VARIABLE = "FINANCE_MIGRATION_DATABASE_URL"


@pytest.fixture
def finance(mesh: MeshHarness, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a finance database of its own, as an operator's environment names it."""
    name, root = f"migrate_{uuid.uuid4().hex[:8]}", mesh.stack.addresses.superuser_dsn
    with psycopg.connect(root, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = root.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
        monkeypatch.setenv(VARIABLE, url)
        yield url
        connection.execute(f"DROP DATABASE {name}")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["migrate", *words])


def refusal(*words: str) -> str:
    """Return the one line that a refused migration prints."""
    refused = run(*words)
    assert (refused.exit_code, type(refused.exception)) == (1, SystemExit)
    (line,) = refused.output.splitlines()
    return line


class TestMigrate:
    def test_goes_up_and_down(self, finance: str) -> None:
        assert run("finance").output == "finance: at head\n"
        assert run("finance", "--down", "0012").output == "finance: at 0012\n"

    def test_while_the_service_runs_says_to_stop_it(self, mesh: MeshHarness, finance: str) -> None:
        migrate.upgrade(service="finance", url=finance, revision="0012")

        with running_on(mesh.stack.addresses.superuser_dsn, finance):
            line = refusal("finance")

        name = finance.rsplit("/", 1)[1]
        assert (
            line == f"migrate: finance was not migrated: {name} is still running: stop it, migrate, and start it again"
        )

    def test_names_a_revision_that_does_not_exist(self, finance: str) -> None:
        assert refusal("finance", "--down", "9999").startswith(
            "migrate: finance was not migrated: Can't locate revision"
        )

    def test_that_waits_too_long_for_a_table_says_so(self, finance: str) -> None:
        migrate.upgrade(service="finance", url=finance, revision="0012")
        with psycopg.connect(finance.replace("+psycopg", "")) as reader:
            reader.execute("LOCK TABLE payment_intents IN ACCESS SHARE MODE")

            assert "somebody else holds a table for longer than 4 s" in refusal("finance")

    def test_without_postgres_says_what_does_not_answer(self, finance: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, "postgresql+psycopg://nobody@127.0.0.1:1/finance")

        assert "connection to server at" in refusal("finance")

    def test_of_nothing_that_exists_names_what_does(self, finance: str) -> None:
        assert os.environ[VARIABLE] == finance
        assert "there is no service finances; there are" in refusal("finances")
