"""Code does not start on a database that its migrations have not reached."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from structlog.testing import capture_logs

from meshkit.db.schema_check import require_schema
from meshkit.settings import SettingsInvalid
from services.finance.schema import metadata
from tests.support.mesh_harness import MeshHarness


@pytest.fixture
def url(mesh: MeshHarness) -> str:
    return mesh.stack.addresses.database_url("finance")


class TestRequireSchema:
    def test_is_content_with_what_the_migrations_made(self, url: str) -> None:
        require_schema(service="finance", url=url, metadata=metadata)

    def test_does_not_mind_columns_of_code_to_come(self, url: str) -> None:
        older = MetaData()
        Table("payment_intents", older, Column("id", Integer))

        require_schema(service="finance", url=url, metadata=older)

    def test_names_what_is_missing_and_what_to_do(self, url: str) -> None:
        newer = MetaData()
        Table("payment_intents", newer, *(Column(name, Integer) for name in ("id", "a", "b", "c", "d")))
        Table("supports", newer, Column("id", Integer))

        with pytest.raises(SettingsInvalid) as refused:
            require_schema(service="finance", url=url, metadata=newer)

        assert str(refused.value) == (
            "the database has no payment_intents.a, payment_intents.b, payment_intents.c and 2 more:"
            " run `finance migrate` before this code"
        )

    def test_leaves_a_database_that_does_not_answer_to_readiness(self) -> None:
        with capture_logs() as logs:
            require_schema(service="finance", url="postgresql+psycopg://nobody@127.0.0.1:1/finance", metadata=metadata)

        assert [line["event"] for line in logs] == ["schema.unchecked"]
