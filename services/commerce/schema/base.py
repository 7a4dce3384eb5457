"""What commerce's tables have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db.tables import platform_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable

metadata = platform_metadata()


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the SQL that a column has one of some values, as constraints, partial indexes and their queries say it."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({quoted})"


def texts(*names: str) -> list[Column]:  # type: ignore[type-arg]
    """Return columns of text that are never NULL."""
    return [Column(name, Text, nullable=False) for name in names]


def attribution() -> list[Column]:  # type: ignore[type-arg]
    """Return the columns of the ad that earned an order or a line, NULL when none did; the id is the one in the document."""
    return [Column("attribution", JSONB(none_as_null=True)), Column("attributed_ad_id", Uuid)]


def attribution_check(table: str) -> CheckConstraint:
    """Return the check that document and id name the same ad."""
    return CheckConstraint(
        "(attribution ->> 'ad_id') IS NOT DISTINCT FROM CAST(attributed_ad_id AS TEXT)",
        name=f"{table}_attribution_check",
    )


def attribution_index(table: Table) -> None:
    """Add the index by which the orders or lines that an ad earned are found."""
    Index(
        f"{table.name}_attributed_ad_id_idx",
        table.c.attributed_ad_id,
        postgresql_where=text("attributed_ad_id IS NOT NULL"),
    )


def cents(*names: str) -> list[Column]:  # type: ignore[type-arg]
    """Return columns of minor units that are never NULL."""
    return [Column(name, BigInteger, nullable=False) for name in names]
