"""Finance's tables of cash custody. Each names its invariant; only finance writes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from meshkit.db.tables import instant
from services.finance.schema.base import metadata

# Where cash is handed in. A station is the owner of an account in the ledger.
cash_stations = Table(
    "cash_stations",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("id", name="cash_stations_pk"),
    UniqueConstraint("name", name="cash_stations_name_key"),
)

# Cash of an agent's orders on a station's table. It is counted once, by somebody else; it leaves each status once.
cash_hand_ins = Table(
    "cash_hand_ins",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("agent_user_id", Uuid, nullable=False),
    Column("station_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("declared_cents", BigInteger, nullable=False),
    Column("counted_cents", BigInteger),
    instant("declared_at"),
    instant("counted_at", nullable=True),
    Column("counted_by_user_id", Uuid),
    PrimaryKeyConstraint("id", name="cash_hand_ins_pk"),
    ForeignKeyConstraint(["station_id"], ["cash_stations.id"], name="cash_hand_ins_station_id_fk"),
    CheckConstraint("status IN ('declared', 'matched', 'mismatched', 'resolved')", name="cash_hand_ins_status_check"),
    CheckConstraint(
        "(status = 'declared') = (counted_at IS NULL) AND (status = 'declared') = (counted_cents IS NULL)"
        " AND (status = 'declared') = (counted_by_user_id IS NULL)",
        name="cash_hand_ins_counted_check",
    ),
    CheckConstraint("counted_by_user_id <> agent_user_id", name="cash_hand_ins_checker_check"),
)
Index(
    "cash_hand_ins_agent_idx",
    cash_hand_ins.c.agent_user_id,
    cash_hand_ins.c.declared_at.desc(),
    cash_hand_ins.c.id.desc(),
)
Index("cash_hand_ins_declared_at_idx", cash_hand_ins.c.declared_at, cash_hand_ins.c.id)
Index("cash_hand_ins_status_idx", cash_hand_ins.c.status, cash_hand_ins.c.declared_at, cash_hand_ins.c.id)

# Append-only: what the agent says of each order. An order's cash is declared once.
cash_declarations = Table(
    "cash_declarations",
    metadata,
    Column("hand_in_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("order_number", BigInteger, nullable=False),
    Column("collected_cents", BigInteger, nullable=False),
    Column("declared_cents", BigInteger, nullable=False),
    PrimaryKeyConstraint("hand_in_id", "order_id", name="cash_declarations_pk"),
    UniqueConstraint("order_id", name="cash_declarations_order_id_key"),
    ForeignKeyConstraint(["hand_in_id"], ["cash_hand_ins.id"], name="cash_declarations_hand_in_id_fk"),
    CheckConstraint("declared_cents > 0", name="cash_declarations_declared_cents_check"),
)

# Append-only: what the station says of each.
cash_counts = Table(
    "cash_counts",
    metadata,
    Column("hand_in_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("counted_cents", BigInteger, nullable=False),
    PrimaryKeyConstraint("hand_in_id", "order_id", name="cash_counts_pk"),
    UniqueConstraint("order_id", name="cash_counts_order_id_key"),
    ForeignKeyConstraint(
        ["hand_in_id", "order_id"],
        ["cash_declarations.hand_in_id", "cash_declarations.order_id"],
        name="cash_counts_declaration_fk",
    ),
    CheckConstraint("counted_cents >= 0", name="cash_counts_counted_cents_check"),
)

# What did not fit. Open until it is resolved, once, by somebody who is not the agent; while it is open the custody of its
# order's cash names it.
cash_mismatches = Table(
    "cash_mismatches",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("hand_in_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("agent_user_id", Uuid, nullable=False),
    instant("found_at"),
    instant("resolved_at", nullable=True),
    Column("resolved_by_user_id", Uuid),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("recovered_cents", BigInteger, nullable=False, server_default=text("0")),
    Column("written_off_cents", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("id", name="cash_mismatches_pk"),
    UniqueConstraint("order_id", name="cash_mismatches_order_id_key"),
    ForeignKeyConstraint(
        ["hand_in_id", "order_id"],
        ["cash_counts.hand_in_id", "cash_counts.order_id"],
        name="cash_mismatches_count_fk",
    ),
    CheckConstraint("resolved_by_user_id <> agent_user_id", name="cash_mismatches_checker_check"),
    CheckConstraint(
        "(resolved_at IS NULL) = (resolved_by_user_id IS NULL) AND (resolved_at IS NULL) = (reason = '')",
        name="cash_mismatches_resolved_check",
    ),
    CheckConstraint("recovered_cents >= 0", name="cash_mismatches_recovered_cents_check"),
)
Index(
    "cash_mismatches_open_idx",
    cash_mismatches.c.found_at,
    cash_mismatches.c.id,
    postgresql_where=text("resolved_at IS NULL"),
)
Index("cash_mismatches_hand_in_id_idx", cash_mismatches.c.hand_in_id)

# The cash of an intent, from the door to the station: who took it, the hand-in it is in, and the open mismatch that keeps
# the intent from its payout. Written under the lock of its intent.
cash_custodies = Table(
    "cash_custodies",
    metadata,
    Column("intent_id", Uuid, nullable=False),
    Column("collected_by_user_id", Uuid, nullable=False),
    instant("collected_at"),
    Column("hand_in_id", Uuid),
    instant("counted_at", nullable=True),
    Column("mismatch_id", Uuid),
    PrimaryKeyConstraint("intent_id", name="cash_custodies_pk"),
    ForeignKeyConstraint(["intent_id"], ["payment_intents.id"], name="cash_custodies_intent_id_fk"),
)
Index(
    "cash_custodies_held_idx",
    cash_custodies.c.collected_by_user_id,
    cash_custodies.c.collected_at,
    cash_custodies.c.intent_id,
    postgresql_where=text("hand_in_id IS NULL"),
)
