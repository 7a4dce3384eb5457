"""Whether a database has what this code reads and writes: code that runs ahead of its migrations would break event after event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from meshkit.obs.logging import get_logger
from meshkit.settings import SettingsInvalid

if TYPE_CHECKING:
    from sqlalchemy import MetaData

_COLUMNS = """
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""


def require_schema(*, service: str, url: str, metadata: MetaData) -> None:
    """Raise SettingsInvalid when a table or column of a service is not in its database.

    More than this code knows is no reason: columns come before the code that uses them. A database that does not answer is
    waited for elsewhere, and not looked at.
    """
    try:
        with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=3) as connection:
            there = set(connection.execute(_COLUMNS).fetchall())
    except psycopg.OperationalError as error:
        get_logger().warning("schema.unchecked", error=str(error)[:300])
        return
    wanted = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    missing = sorted(".".join(pair) for pair in wanted - there)
    if missing:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if missing[3:] else "")
        raise SettingsInvalid(f"the database has no {named}: run `{service} migrate` before this code")
