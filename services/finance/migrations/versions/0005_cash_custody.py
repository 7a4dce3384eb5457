"""Cash custody: stations, hand-ins, counts, mismatches."""

from alembic import op

from meshkit.db.migrate import drop_append_only, make_append_only

revision = "0005"
down_revision = "0004"

_INTENTS = """
ALTER TABLE payment_intents
    ADD COLUMN collected_by_user_id UUID,
    ADD COLUMN hand_in_id UUID,
    ADD COLUMN cash_mismatch_id UUID;
UPDATE payment_intents i SET collected_by_user_id = a.owner_id
FROM ledger_entries e JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
WHERE e.order_id = i.order_id AND e.type = 'cash_collected' AND a.kind = 'cash_in_transit';
CREATE INDEX payment_intents_held_cash_idx ON payment_intents (collected_by_user_id, cash_collected_at, id)
    WHERE collected_by_user_id IS NOT NULL AND hand_in_id IS NULL;
"""
_TABLES = """
CREATE TABLE cash_stations (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT cash_stations_pk PRIMARY KEY (id),
    CONSTRAINT cash_stations_name_key UNIQUE (name)
);
CREATE TABLE cash_hand_ins (
    id UUID NOT NULL,
    agent_user_id UUID NOT NULL,
    station_id UUID NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    declared_cents BIGINT NOT NULL,
    counted_cents BIGINT,
    declared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE,
    counted_by_user_id UUID,
    CONSTRAINT cash_hand_ins_pk PRIMARY KEY (id),
    CONSTRAINT cash_hand_ins_station_id_fk FOREIGN KEY(station_id) REFERENCES cash_stations (id),
    CONSTRAINT cash_hand_ins_status_check CHECK (status IN ('declared', 'matched', 'mismatched', 'resolved')),
    CONSTRAINT cash_hand_ins_counted_check CHECK ((status = 'declared') = (counted_at IS NULL) AND (status = 'declared') = (counted_cents IS NULL) AND (status = 'declared') = (counted_by_user_id IS NULL)),
    CONSTRAINT cash_hand_ins_checker_check CHECK (counted_by_user_id <> agent_user_id)
);
CREATE INDEX cash_hand_ins_agent_idx ON cash_hand_ins (agent_user_id, declared_at DESC, id DESC);
CREATE INDEX cash_hand_ins_declared_at_idx ON cash_hand_ins (declared_at, id);
CREATE INDEX cash_hand_ins_status_idx ON cash_hand_ins (status, declared_at, id);
CREATE TABLE cash_declarations (
    hand_in_id UUID NOT NULL,
    order_id UUID NOT NULL,
    order_number BIGINT NOT NULL,
    collected_cents BIGINT NOT NULL,
    declared_cents BIGINT NOT NULL,
    CONSTRAINT cash_declarations_pk PRIMARY KEY (hand_in_id, order_id),
    CONSTRAINT cash_declarations_order_id_key UNIQUE (order_id),
    CONSTRAINT cash_declarations_hand_in_id_fk FOREIGN KEY(hand_in_id) REFERENCES cash_hand_ins (id),
    CONSTRAINT cash_declarations_declared_cents_check CHECK (declared_cents > 0)
);
CREATE TABLE cash_counts (
    hand_in_id UUID NOT NULL,
    order_id UUID NOT NULL,
    counted_cents BIGINT NOT NULL,
    CONSTRAINT cash_counts_pk PRIMARY KEY (hand_in_id, order_id),
    CONSTRAINT cash_counts_order_id_key UNIQUE (order_id),
    CONSTRAINT cash_counts_declaration_fk FOREIGN KEY(hand_in_id, order_id) REFERENCES cash_declarations (hand_in_id, order_id),
    CONSTRAINT cash_counts_counted_cents_check CHECK (counted_cents >= 0)
);
CREATE TABLE cash_mismatches (
    id UUID NOT NULL,
    hand_in_id UUID NOT NULL,
    order_id UUID NOT NULL,
    agent_user_id UUID NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolved_by_user_id UUID,
    reason TEXT NOT NULL DEFAULT '',
    recovered_cents BIGINT NOT NULL DEFAULT 0,
    written_off_cents BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT cash_mismatches_pk PRIMARY KEY (id),
    CONSTRAINT cash_mismatches_order_id_key UNIQUE (order_id),
    CONSTRAINT cash_mismatches_count_fk FOREIGN KEY(hand_in_id, order_id) REFERENCES cash_counts (hand_in_id, order_id),
    CONSTRAINT cash_mismatches_checker_check CHECK (resolved_by_user_id <> agent_user_id),
    CONSTRAINT cash_mismatches_resolved_check CHECK ((resolved_at IS NULL) = (resolved_by_user_id IS NULL) AND (resolved_at IS NULL) = (reason = '')),
    CONSTRAINT cash_mismatches_recovered_cents_check CHECK (recovered_cents >= 0)
);
CREATE INDEX cash_mismatches_open_idx ON cash_mismatches (found_at, id) WHERE resolved_at IS NULL;
CREATE INDEX cash_mismatches_hand_in_id_idx ON cash_mismatches (hand_in_id);
"""
_APPEND_ONLY = ("cash_declarations", "cash_counts")


def upgrade() -> None:
    """Create it. Cash that agents carry already can be handed in: the ledger knows who took it."""
    op.execute(_INTENTS)
    op.execute(_TABLES)
    for table in _APPEND_ONLY:
        make_append_only(table)


def downgrade() -> None:
    """Take it back; what was posted stays."""
    for table in _APPEND_ONLY:
        drop_append_only(table)
    op.execute("DROP TABLE cash_mismatches, cash_counts, cash_declarations, cash_hand_ins, cash_stations")
    op.execute("DROP INDEX payment_intents_held_cash_idx")
    op.execute(
        "ALTER TABLE payment_intents DROP COLUMN cash_mismatch_id, DROP COLUMN hand_in_id,"
        " DROP COLUMN collected_by_user_id"
    )
