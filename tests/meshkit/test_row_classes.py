"""Every plain statement of every service is prepared, not run, and the class of its rows compared with its columns."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest

from deploy.tools.contracts import services_present
from meshkit.db.rows import row_maker
from meshkit.db.sql import sql
from meshkit.retention import Rule
from tests.support.described import described, inside, statements_of
from tests.support.mesh_harness import MeshHarness

_VOID = 2278


@pytest.mark.parametrize("service", services_present())
class TestRowClasses:
    def test_fit_what_postgres_describes(self, mesh: MeshHarness, service: str) -> None:
        mesh.start(service)
        url = mesh.stack.addresses.database_url(service).replace("+psycopg", "")
        untyped = set()
        with psycopg.connect(url, autocommit=True) as connection:
            for package in ("meshkit", f"services.{service}"):
                statements = list(statements_of(package))
                for place, statement in statements:
                    columns = described(connection, statement)
                    if statement.row is not None:
                        row_maker(statement.row, columns, place)
                    elif any(number != _VOID for _, number in columns):
                        untyped.add(place)
        assert untyped == set()


def test_the_command_line_s_fit_each_database_that_has_their_tables(mesh: MeshHarness) -> None:
    prepared = set()
    statements = [*statements_of("deploy.cli"), *statements_of("deploy.tools")]
    for service in services_present():
        mesh.start(service)
        url = mesh.stack.addresses.database_url(service).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            for place, statement in statements:
                with suppress(psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
                    columns = described(connection, statement)
                    assert (statement.row is None) == (columns == ()), place
                    if statement.row is not None:
                        row_maker(statement.row, columns, place)
                    prepared.add(place)
    assert {place for place, _ in statements} == prepared != set()


def test_statements_are_found_wherever_they_stand() -> None:
    rule = Rule(sql("DELETE FROM one"), timedelta(1))
    value = {"a": [sql("SELECT 1", int)], "b": (rule,), "c": "no statement"}
    assert [place for place, _ in inside("module.NAME", value)] == [
        "module.NAME['a'][0]",
        "module.NAME['b'][0].statement",
    ]
