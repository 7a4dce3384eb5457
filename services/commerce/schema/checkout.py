"""The tables of checkout. Each names its invariant; only commerce writes them."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from meshkit.db.tables import instant
from services.commerce.schema.base import metadata

# Where the checkout of a cart stands: the group id is fixed before stock is reserved, the answer when orders exist.
checkout_attempts = Table(
    "checkout_attempts",
    metadata,
    Column("cart_id", Uuid, nullable=False),
    Column("buyer_store_id", Uuid, nullable=False),
    Column("checkout_group_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    instant("started_at"),
    instant("converted_at", nullable=True),
    Column("response", LargeBinary),
    PrimaryKeyConstraint("cart_id", name="checkout_attempts_pk"),
    UniqueConstraint("checkout_group_id", name="checkout_attempts_checkout_group_id_key"),
    ForeignKeyConstraint(["cart_id"], ["cart_records.id"], name="checkout_attempts_cart_id_fk"),
    CheckConstraint("state IN ('reserving', 'converted', 'failed')", name="checkout_attempts_state_check"),
    CheckConstraint("(state = 'converted') = (response IS NOT NULL)", name="checkout_attempts_response_check"),
)
