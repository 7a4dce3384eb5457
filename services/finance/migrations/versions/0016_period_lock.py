"""Posting entries and closing periods take turns by a lock of their own.

It was that of whoever chains the audit log, every second: postings waited for it, and it for each transaction that had posted.
Finance is stopped meanwhile: whoever had posted under the old lock would not be waited for by who closes under the new one.
"""

from alembic import op

from meshkit.db.migrate import require_stopped

revision = "0016"
down_revision = "0015"

# 7362001 is that of migrations, 7362002 that of the audit log's chain, 7362003 shows which processes live.
_OWN, _OF_THE_AUDIT_LOG = 7_362_004, 7_362_002

_FUNCTIONS = """
CREATE OR REPLACE FUNCTION ledger_period_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed date;
BEGIN
    PERFORM pg_advisory_xact_lock_shared({lock});
    SELECT max(closed_through) INTO closed FROM period_closings;
    IF EXISTS (SELECT 1 FROM fresh WHERE effective_on <= closed) THEN
        RAISE EXCEPTION 'the ledger is closed through %', closed USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION ledger_period_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    IF EXISTS (SELECT 1 FROM period_closings WHERE closed_through >= NEW.closed_through) THEN
        RAISE EXCEPTION 'the ledger is closed through that day' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    """Take the own lock."""
    require_stopped()
    op.execute(_FUNCTIONS.format(lock=_OWN))


def downgrade() -> None:
    """Share the audit log's again."""
    require_stopped()
    op.execute(_FUNCTIONS.format(lock=_OF_THE_AUDIT_LOG))
