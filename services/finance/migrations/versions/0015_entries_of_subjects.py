"""An entry of the ledger is about a subject, as an intent is.

Finance is stopped meanwhile, as for 0013 (decision 38). The ledger is append-only: the kind of what is there is computed while
Postgres writes the table anew, and no row is updated. Down, nothing but names changes.
"""

from alembic import op

from meshkit.db.migrate import require_stopped

revision = "0015"
down_revision = "0014"

_UP = """
ALTER TABLE ledger_entries RENAME COLUMN order_id TO subject_id;
ALTER TABLE ledger_entries
    ADD COLUMN subject_kind TEXT GENERATED ALWAYS AS (CASE WHEN subject_id IS NOT NULL THEN 'order' END) STORED;
ALTER TABLE ledger_entries
    ALTER COLUMN subject_kind DROP EXPRESSION,
    ALTER COLUMN cause_type DROP DEFAULT,
    ADD CONSTRAINT ledger_entries_subject_check CHECK ((subject_kind IS NULL) = (subject_id IS NULL)),
    ADD CONSTRAINT ledger_entries_subject_kind_check CHECK (subject_kind IN ('order'));
DROP INDEX ledger_entries_order_id_type_key;
CREATE UNIQUE INDEX ledger_entries_collection_key ON ledger_entries (subject_kind, subject_id) WHERE type = 'cash_collected';
ALTER INDEX ledger_entries_order_id_idx RENAME TO ledger_entries_subject_id_idx;
"""
_DOWN = """
ALTER INDEX ledger_entries_subject_id_idx RENAME TO ledger_entries_order_id_idx;
DROP INDEX ledger_entries_collection_key;
ALTER TABLE ledger_entries
    DROP CONSTRAINT ledger_entries_subject_check,
    DROP COLUMN subject_kind,
    ALTER COLUMN cause_type SET DEFAULT 'order';
ALTER TABLE ledger_entries RENAME COLUMN subject_id TO order_id;
CREATE UNIQUE INDEX ledger_entries_order_id_type_key ON ledger_entries (order_id, type) WHERE type = 'cash_collected';
"""


def upgrade() -> None:
    """Name the subject."""
    require_stopped()
    op.execute(_UP)


def downgrade() -> None:
    """Name the order again. Refused while the ledger has anything about something else."""
    require_stopped()
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM ledger_entries WHERE subject_kind <> 'order') THEN"
        " RAISE EXCEPTION 'something else than orders is paid for' USING ERRCODE = 'check_violation'; END IF; END $$"
    )
    op.execute(_DOWN)
