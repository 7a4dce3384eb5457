"""SQL of the ledger: it only ever inserts."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.db.recordset import to_json
from meshkit.db.sql import sql
from services.finance.ledger.domain.ledger import NOBODY, account_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.ledger import Account


class KindTotal(NamedTuple):
    """What all accounts of a kind add up to in a currency: a line of the trial balance."""

    kind: str
    currency: str
    sum_cents: Decimal
    debits_cents: Decimal
    credits_cents: Decimal


class UnbalancedEntry(NamedTuple):
    """An entry that does not sum to zero in a currency."""

    entry_id: uuid.UUID
    currency: str
    sum_cents: Decimal


# One statement for any number of entries: accounts that are missing, entries whose key is new, and the postings of
# these. Sorted, so that two calls that open the same accounts or post the same keys cannot deadlock.
_POST = sql(
    """
    WITH entry AS (
        SELECT id, key, type, subject_kind, subject_id, buyer_store_id, vendor_store_id, cause_type, cause_id, reverses_id,
               effective_on, fingerprint, reference
        FROM json_to_recordset(CAST(:entries AS json)) AS e (
            id uuid, key text, type text, subject_kind text, subject_id uuid, buyer_store_id uuid, vendor_store_id uuid, cause_type text,
            cause_id uuid, reverses_id uuid, effective_on date, fingerprint text, reference text)
    ), side AS (
        SELECT entry_id, "position", account_id, kind, owner_id, currency, amount_cents
        FROM json_to_recordset(CAST(:sides AS json)) AS s (
            entry_id uuid, "position" int, account_id uuid, kind text, owner_id uuid, currency text, amount_cents bigint)
    ), opened AS (
        INSERT INTO accounts (id, kind, owner_id, currency, created_at)
        SELECT DISTINCT ON (account_id) account_id, kind, owner_id, currency, CAST(:now AS timestamptz) FROM side
        ORDER BY account_id
        ON CONFLICT DO NOTHING
    ), posted AS (
        INSERT INTO ledger_entries (
            id, key, type, subject_kind, subject_id, buyer_store_id, vendor_store_id, cause_type, cause_id, reverses_id, effective_on,
            fingerprint, reference, actor, request_id, created_at)
        SELECT id, key, type, subject_kind, subject_id, buyer_store_id, vendor_store_id, cause_type, cause_id, reverses_id,
               effective_on, fingerprint, reference, :actor, :request_id, CAST(:now AS timestamptz)
        FROM entry ORDER BY key
        ON CONFLICT ON CONSTRAINT ledger_entries_key_key DO NOTHING
        RETURNING id
    ), sides AS (
        INSERT INTO postings (entry_id, "position", account_id, amount_cents)
        SELECT s.entry_id, s."position", s.account_id, s.amount_cents FROM side s JOIN posted p ON p.id = s.entry_id
    )
    SELECT id FROM posted
    """,
    uuid.UUID,
)
_ENSURE_ACCOUNT = sql(
    "INSERT INTO accounts (id, kind, owner_id, currency, created_at) VALUES (:id, :kind, :owner, :currency, :now)"
    " ON CONFLICT DO NOTHING"
)
_UNBALANCED = sql(
    """
    SELECT p.entry_id, a.currency, sum(p.amount_cents) AS sum_cents
    FROM postings p JOIN accounts a ON a.id = p.account_id
    GROUP BY p.entry_id, a.currency HAVING sum(p.amount_cents) <> 0
    """,
    UnbalancedEntry,
)
_ONE_SIDED = sql(
    "SELECT e.id FROM ledger_entries e WHERE (SELECT count(*) FROM postings p WHERE p.entry_id = e.id) < 2", uuid.UUID
)
_BALANCES = sql(
    """
    SELECT a.kind, a.currency, sum(p.amount_cents) AS sum_cents,
           coalesce(sum(p.amount_cents) FILTER (WHERE p.amount_cents > 0), 0) AS debits_cents,
           coalesce(-sum(p.amount_cents) FILTER (WHERE p.amount_cents < 0), 0) AS credits_cents
    FROM accounts a JOIN postings p ON p.account_id = a.id
    GROUP BY a.kind, a.currency ORDER BY a.currency, a.kind
    """,
    KindTotal,
)
# From the newest snapshot on, so that it costs the same after a million entries.
_BALANCE = sql(
    """
    WITH start AS (
        SELECT upto_entry_id, balance_cents FROM account_snapshots WHERE account_id = :account
        ORDER BY upto_entry_id DESC LIMIT 1
    )
    SELECT coalesce((SELECT balance_cents FROM start), 0) + coalesce(sum(p.amount_cents), 0)
    FROM postings p
    WHERE p.account_id = :account
      AND p.entry_id > coalesce((SELECT upto_entry_id FROM start), '00000000-0000-0000-0000-000000000000')
    """,
    Decimal,
)


def append(tx: Tx, entries: Sequence[Mapping[str, object]], sides: Sequence[Mapping[str, object]]) -> set[uuid.UUID]:
    """Insert entries whose key is new, with their postings, and accounts that are missing; returns these entries' ids.

    Raises IntegrityError on ledger_entries_collection_key when the subject's cash was collected already.
    """
    parameters = {
        "entries": to_json(entries),
        "sides": to_json(sides),
        "actor": tx.principal.origin or tx.principal.subject,
        "request_id": tx.call.request_id,
        "now": tx.now,
    }
    return set(tx.execute(_POST, parameters))


def open_account(tx: Tx, account: Account) -> uuid.UUID:
    """Insert an account unless it is there; returns its id."""
    values = {"kind": account.kind, "owner": account.owner_id or NOBODY, "currency": account.currency}
    tx.execute(_ENSURE_ACCOUNT, {"id": account_id(account), "now": tx.now, **values})
    return account_id(account)


def balance_cents(tx: Tx, account: Account) -> int:
    """Return an account's balance: debits minus credits, in minor units."""
    return int(tx.execute(_BALANCE, {"account": account_id(account)}).one())


def balances(tx: Tx) -> list[KindTotal]:
    """Return what all accounts add up to, by kind and currency: the trial balance."""
    return tx.execute(_BALANCES).all()


def unbalanced_entries(tx: Tx) -> list[UnbalancedEntry]:
    """Return entries that do not sum to zero; the deferred trigger lets none be committed."""
    return tx.execute(_UNBALANCED).all()


def one_sided_entries(tx: Tx) -> list[uuid.UUID]:
    """Return the ids of entries with fewer than two postings."""
    return tx.execute(_ONE_SIDED).all()
