"""Analytics' tables. Each names its invariant; only analytics writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db.tables import instant, platform_metadata

metadata = platform_metadata()

# What may be done with a store, as identity announces it; the highest version counts.
store_gates = Table(
    "store_gates",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("subscription_active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", name="store_gates_pk"),
)

# Rows on their way into the warehouse: written in the event's transaction, loaded by event id, so that a crash
# between loading and marking loads nothing twice.
warehouse_rows = Table(
    "warehouse_rows",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("row", JSONB, nullable=False),
    instant("created_at"),
    instant("loaded_at", nullable=True),
    PrimaryKeyConstraint("seq", name="warehouse_rows_pk"),
    UniqueConstraint("event_id", name="warehouse_rows_event_id_key"),
)
Index("warehouse_rows_waiting_idx", warehouse_rows.c.seq, postgresql_where=text("loaded_at IS NULL"))
Index("warehouse_rows_loaded_at_idx", warehouse_rows.c.loaded_at)
