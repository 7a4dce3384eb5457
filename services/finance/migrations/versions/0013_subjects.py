"""What is paid for is a subject; who holds the cash, and what is kept from payouts, are tables of their own.

Finance is stopped meanwhile (decision 38): code of before knows none of the new names, and would fail with every event until the
bus gave these up.
"""

from alembic import op

from meshkit.db.migrate import give_back, require_stopped, take_away

revision = "0013"
down_revision = "0012"

_RENAMED = ("id", "number", "version", "status")
_TABLES = """
CREATE TABLE cash_custodies (
    intent_id UUID NOT NULL,
    collected_by_user_id UUID NOT NULL,
    collected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    hand_in_id UUID,
    counted_at TIMESTAMP WITH TIME ZONE,
    mismatch_id UUID,
    CONSTRAINT cash_custodies_pk PRIMARY KEY (intent_id),
    CONSTRAINT cash_custodies_intent_id_fk FOREIGN KEY(intent_id) REFERENCES payment_intents (id)
);
CREATE TABLE payout_holds (
    intent_id UUID NOT NULL,
    reason TEXT NOT NULL,
    held_at TIMESTAMP WITH TIME ZONE NOT NULL,
    held_by_user_id UUID,
    CONSTRAINT payout_holds_pk PRIMARY KEY (intent_id),
    CONSTRAINT payout_holds_intent_id_fk FOREIGN KEY(intent_id) REFERENCES payment_intents (id),
    CONSTRAINT payout_holds_reason_check CHECK (reason <> '')
);
"""
# Cash without an agent or an instant is refused by the new table: nothing has ever written that.
_FILL_CUSTODIES = """
INSERT INTO cash_custodies (intent_id, collected_by_user_id, collected_at, hand_in_id, counted_at, mismatch_id)
SELECT id, collected_by_user_id, cash_collected_at, hand_in_id, cash_counted_at, cash_mismatch_id FROM payment_intents
WHERE num_nonnulls(collected_by_user_id, cash_collected_at, hand_in_id, cash_counted_at, cash_mismatch_id) > 0
"""
# Since when an order is held, and who said so last, only the audit log has kept.
_FILL_HOLDS = """
INSERT INTO payout_holds (intent_id, reason, held_at, held_by_user_id)
SELECT i.id, i.payout_hold_reason, coalesce(a.held_at, now()), a.held_by_user_id
FROM payment_intents i LEFT JOIN (
    SELECT h.target, min(h.occurred_at) AS held_at, (array_agg(h.actor_user_id ORDER BY h.seq DESC))[1] AS held_by_user_id
    FROM audit_log h
    WHERE h.action = 'payout.hold' AND h.outcome = 'ok' AND NOT EXISTS (
        SELECT FROM audit_log r
        WHERE r.action = 'payout.release' AND r.outcome = 'ok' AND r.target = h.target AND r.seq > h.seq)
    GROUP BY h.target
) a ON a.target = i.order_id::text
WHERE i.payout_hold_reason <> ''
"""
_INTENTS = """
DROP INDEX payment_intents_held_cash_idx;
ALTER TABLE payment_intents
    DROP COLUMN cash_collected_at, DROP COLUMN collected_by_user_id, DROP COLUMN hand_in_id,
    DROP COLUMN cash_counted_at, DROP COLUMN cash_mismatch_id, DROP COLUMN payout_hold_reason,
    ADD COLUMN subject_kind TEXT NOT NULL DEFAULT 'order';
ALTER TABLE payment_intents
    ALTER COLUMN subject_kind DROP DEFAULT,
    DROP CONSTRAINT payment_intents_order_id_key,
    ADD CONSTRAINT payment_intents_subject_key UNIQUE (subject_kind, subject_id),
    ADD CONSTRAINT payment_intents_subject_kind_check CHECK (subject_kind IN ('order'));
"""
# Once they are filled, so that this needs no second look at every row.
_INDEXES = """
CREATE INDEX cash_custodies_held_idx ON cash_custodies (collected_by_user_id, collected_at, intent_id)
    WHERE hand_in_id IS NULL
"""
_WHOLE = {"UPDATE": ("cash_custodies", "payout_holds"), "DELETE": ("cash_custodies",)}
_COLUMNS = {
    "UPDATE (hand_in_id, counted_at, mismatch_id)": ("cash_custodies",),
    "UPDATE (reason, held_by_user_id)": ("payout_holds",),
}

_INTENTS_OF_BEFORE = """
ALTER TABLE payment_intents
    DROP CONSTRAINT payment_intents_subject_kind_check,
    DROP CONSTRAINT payment_intents_subject_key,
    DROP COLUMN subject_kind,
    ADD COLUMN cash_collected_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN collected_by_user_id UUID,
    ADD COLUMN hand_in_id UUID,
    ADD COLUMN cash_counted_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN cash_mismatch_id UUID,
    ADD COLUMN payout_hold_reason TEXT NOT NULL DEFAULT '',
    ADD CONSTRAINT payment_intents_order_id_key UNIQUE (order_id);
UPDATE payment_intents i
SET cash_collected_at = c.collected_at, collected_by_user_id = c.collected_by_user_id, hand_in_id = c.hand_in_id,
    cash_counted_at = c.counted_at, cash_mismatch_id = c.mismatch_id
FROM cash_custodies c WHERE c.intent_id = i.id;
UPDATE payment_intents i SET payout_hold_reason = h.reason FROM payout_holds h WHERE h.intent_id = i.id;
CREATE INDEX payment_intents_held_cash_idx ON payment_intents (collected_by_user_id, cash_collected_at, id)
    WHERE collected_by_user_id IS NOT NULL AND hand_in_id IS NULL;
DROP TABLE cash_custodies, payout_holds;
"""
_COLUMNS_OF_BEFORE = {
    "UPDATE (cash_collected_at, collected_by_user_id, hand_in_id, cash_counted_at, cash_mismatch_id, payout_hold_reason)": (
        "payment_intents",
    )
}


def _rename(before: str, after: str) -> None:
    """Rename what is about the subject. Since version 18 of Postgres, that a column is NOT NULL has a name too."""
    for name in _RENAMED:
        op.execute(f"ALTER TABLE payment_intents RENAME COLUMN {before}_{name} TO {after}_{name}")
        old, new = (f"payment_intents_{word}_{name}_not_null" for word in (before, after))
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{old}') THEN"  # noqa: S608
            f" ALTER TABLE payment_intents RENAME CONSTRAINT {old} TO {new}; END IF; END $$"
        )


def upgrade() -> None:
    """Move custody and holds out, and call the rest by its new name. A right on a column outlives its renaming."""
    require_stopped()
    op.execute(_TABLES)
    op.execute(_FILL_CUSTODIES)
    op.execute(_FILL_HOLDS)
    _rename("order", "subject")
    op.execute(_INTENTS)
    op.execute(_INDEXES)
    take_away(_WHOLE)
    give_back(_COLUMNS)


def downgrade() -> None:
    """Move them back. Refused while something else than orders is paid for: code of before knows of orders only."""
    require_stopped()
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM payment_intents WHERE subject_kind <> 'order') THEN"
        " RAISE EXCEPTION 'something else than orders is paid for' USING ERRCODE = 'check_violation'; END IF; END $$"
    )
    _rename("subject", "order")
    op.execute(_INTENTS_OF_BEFORE)
    give_back(_COLUMNS_OF_BEFORE)
