"""Write a service's first migration from its tables: `python -m scripts.first_migration identity`. Edited by hand after."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from meshkit.db.tables import platform_metadata

_TEMPLATE = '''"""The first tables of {service}."""

from alembic import op

from meshkit.db.migrate import add_discards, create_platform_tables, drop_platform_tables

revision = "0001"
down_revision = None

_TABLES = """
{ddl}
"""


def upgrade() -> None:
    """Create everything."""
    create_platform_tables()
    add_discards()
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE {names}")
    drop_platform_tables()
'''


def render(service: str) -> str:
    """Return the text of the migration."""
    metadata = importlib.import_module(f"services.{service}.schema").metadata
    chassis = set(platform_metadata().tables)
    tables = [table for table in metadata.sorted_tables if table.name not in chassis]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    statements = []
    for table in tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)).strip() for index in indexes]
    ddl = "\n".join(line.rstrip().replace("\t", "    ") for text in statements for line in f"{text};".splitlines())
    return _TEMPLATE.format(service=service, ddl=ddl, names=", ".join(table.name for table in reversed(tables)))


if __name__ == "__main__":
    name = sys.argv[1]
    folder = Path(__file__).resolve().parent.parent / "services" / name / "migrations" / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"0001_{name}.py").write_text(render(name))
