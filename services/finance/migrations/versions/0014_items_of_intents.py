"""An item of a payout is an intent, whatever that is for; which order it is, the intent says.

Finance is stopped meanwhile, as for 0013 (decision 38).
"""

from alembic import op

from meshkit.db.migrate import require_stopped

revision = "0014"
down_revision = "0013"

_UP = """
ALTER TABLE payout_items ADD COLUMN intent_id UUID;
UPDATE payout_items p SET intent_id = i.id FROM payment_intents i
WHERE i.subject_kind = 'order' AND i.subject_id = p.order_id;
DROP INDEX payout_items_active_key;
ALTER TABLE payout_items
    ALTER COLUMN intent_id SET NOT NULL,
    DROP CONSTRAINT payout_items_pk,
    DROP COLUMN order_id,
    DROP COLUMN order_number,
    ADD CONSTRAINT payout_items_pk PRIMARY KEY (payout_id, intent_id),
    ADD CONSTRAINT payout_items_intent_id_fk FOREIGN KEY(intent_id) REFERENCES payment_intents (id);
CREATE UNIQUE INDEX payout_items_active_key ON payout_items (intent_id) WHERE active;
"""
_DOWN = """
ALTER TABLE payout_items ADD COLUMN order_id UUID, ADD COLUMN order_number BIGINT;
UPDATE payout_items p SET order_id = i.subject_id, order_number = i.subject_number FROM payment_intents i
WHERE i.id = p.intent_id AND i.subject_kind = 'order';
DROP INDEX payout_items_active_key;
ALTER TABLE payout_items
    ALTER COLUMN order_id SET NOT NULL,
    ALTER COLUMN order_number SET NOT NULL,
    DROP CONSTRAINT payout_items_pk,
    DROP CONSTRAINT payout_items_intent_id_fk,
    DROP COLUMN intent_id,
    ADD CONSTRAINT payout_items_pk PRIMARY KEY (payout_id, order_id);
CREATE UNIQUE INDEX payout_items_active_key ON payout_items (order_id) WHERE active;
"""


def upgrade() -> None:
    """Name the intent."""
    require_stopped()
    op.execute(_UP)


def downgrade() -> None:
    """Name the order again. Refused while something else than orders is paid for."""
    require_stopped()
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM payment_intents WHERE subject_kind <> 'order') THEN"
        " RAISE EXCEPTION 'something else than orders is paid for' USING ERRCODE = 'check_violation'; END IF; END $$"
    )
    op.execute(_DOWN)
