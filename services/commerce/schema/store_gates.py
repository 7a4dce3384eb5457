"""The tables of store gates. Each names its invariant; only commerce writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    PrimaryKeyConstraint,
    Table,
    Uuid,
)

from services.commerce.schema.base import metadata, texts

# What identity last announced of each store. Invariant: the highest version seen.
store_gates = Table(
    "store_gates",
    metadata,
    Column("store_id", Uuid, nullable=False),
    *texts("type", "name", "state", "kyc_status"),
    Column("subscription_active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", name="store_gates_pk"),
)
