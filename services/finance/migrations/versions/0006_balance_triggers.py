"""The balance of an entry is checked once for it and no longer once more for each of its postings.

Sessions keep the plans of trigger functions: one made while the ledger was small would go on reading it in whole.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_TRIGGERS = """
DROP FUNCTION ledger_entry_balances() CASCADE;
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    sides bigint;
    balances boolean;
BEGIN
    SELECT sum(count), bool_and(sum = 0) INTO sides, balances FROM (
        SELECT count(*), sum(p.amount_cents) FROM postings p JOIN accounts a ON a.id = p.account_id
        WHERE p.entry_id = NEW.id GROUP BY a.currency) AS currencies;
    IF coalesce(sides, 0) < 2 THEN
        RAISE EXCEPTION 'ledger entry % has fewer than two postings', NEW.id USING ERRCODE = 'check_violation';
    ELSIF NOT balances THEN
        RAISE EXCEPTION 'ledger entry % is not balanced', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE FUNCTION postings_are_whole() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE entry uuid;
BEGIN
    SELECT f.entry_id INTO entry FROM (SELECT entry_id, count(*) FROM fresh GROUP BY entry_id) AS f
    WHERE f.count <> (SELECT count(*) FROM postings p WHERE p.entry_id = f.entry_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % has its postings already', entry USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_whole AFTER INSERT ON postings
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION postings_are_whole();
"""
_BACK = """
DROP FUNCTION postings_are_whole() CASCADE;
DROP FUNCTION ledger_entry_balances() CASCADE;
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid := CASE TG_TABLE_NAME WHEN 'postings' THEN (to_jsonb(NEW) ->> 'entry_id')::uuid
                                     ELSE (to_jsonb(NEW) ->> 'id')::uuid END;
BEGIN
    IF (SELECT count(*) FROM postings WHERE entry_id = entry) < 2 THEN
        RAISE EXCEPTION 'ledger entry % has fewer than two postings', entry USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM postings p JOIN accounts a ON a.id = p.account_id WHERE p.entry_id = entry
               GROUP BY a.currency HAVING sum(p.amount_cents) <> 0) THEN
        RAISE EXCEPTION 'ledger entry % is not balanced', entry USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE CONSTRAINT TRIGGER postings_balance AFTER INSERT ON postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
"""


def upgrade() -> None:
    """Put the cheaper triggers in their place."""
    op.execute(_TRIGGERS)


def downgrade() -> None:
    """Put the former ones back."""
    op.execute(_BACK)
