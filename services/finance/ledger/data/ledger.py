"""SQL of the ledger: it only ever inserts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshkit.db.recordset import to_json
from meshkit.db.sql import sql
from meshkit.ids import derived_id, new_id
from meshkit.market_day import market_day
from services.finance.ledger.domain.ledger import NOBODY

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.ledger import Account, Entry

# One statement for any number of entries: accounts that are missing, entries whose key is new, and the postings of
# these. Sorted, so that two that open the same accounts or post the same keys cannot deadlock.
_POST = sql(
    """
    WITH entry AS (
        SELECT * FROM json_to_recordset(CAST(:entries AS json)) AS e (
            id uuid, key text, type text, order_id uuid, buyer_store_id uuid, vendor_store_id uuid, cause_type text,
            cause_id uuid, reverses_id uuid, effective_on date, fingerprint text, reference text)
    ), side AS (
        SELECT * FROM json_to_recordset(CAST(:sides AS json)) AS s (
            entry_id uuid, "position" int, account_id uuid, kind text, owner_id uuid, currency text, amount_cents bigint)
    ), opened AS (
        INSERT INTO accounts (id, kind, owner_id, currency, created_at)
        SELECT DISTINCT ON (account_id) account_id, kind, owner_id, currency, CAST(:now AS timestamptz) FROM side
        ORDER BY account_id
        ON CONFLICT DO NOTHING
    ), posted AS (
        INSERT INTO ledger_entries (
            id, key, type, order_id, buyer_store_id, vendor_store_id, cause_type, cause_id, reverses_id, effective_on,
            fingerprint, reference, actor, request_id, created_at)
        SELECT id, key, type, order_id, buyer_store_id, vendor_store_id, cause_type, cause_id, reverses_id,
               effective_on, fingerprint, reference, :actor, :request_id, CAST(:now AS timestamptz)
        FROM entry ORDER BY key
        ON CONFLICT ON CONSTRAINT ledger_entries_key_key DO NOTHING
        RETURNING id
    ), sides AS (
        INSERT INTO postings (entry_id, "position", account_id, amount_cents)
        SELECT s.entry_id, s."position", s.account_id, s.amount_cents FROM side s JOIN posted p ON p.id = s.entry_id
    )
    SELECT id FROM posted
    """
)
_ENSURE_ACCOUNT = sql(
    "INSERT INTO accounts (id, kind, owner_id, currency, created_at) VALUES (:id, :kind, :owner, :currency, :now)"
    " ON CONFLICT DO NOTHING"
)
_UNBALANCED = sql(
    """
    SELECT p.entry_id, a.currency, sum(p.amount_cents) AS sum_cents, count(*) AS sides
    FROM postings p JOIN accounts a ON a.id = p.account_id
    GROUP BY p.entry_id, a.currency HAVING sum(p.amount_cents) <> 0
    """
)
_EMPTY = sql("SELECT e.id FROM ledger_entries e WHERE (SELECT count(*) FROM postings p WHERE p.entry_id = e.id) < 2")
_BALANCES = sql(
    """
    SELECT a.kind, a.currency, sum(p.amount_cents) AS sum_cents,
           coalesce(sum(p.amount_cents) FILTER (WHERE p.amount_cents > 0), 0) AS debits_cents,
           coalesce(-sum(p.amount_cents) FILTER (WHERE p.amount_cents < 0), 0) AS credits_cents
    FROM accounts a JOIN postings p ON p.account_id = a.id
    GROUP BY a.kind, a.currency ORDER BY a.currency, a.kind
    """
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
    """
)


@dataclass(frozen=True)
class Posted:
    """An entry on its way into the ledger, with what it is about besides money."""

    entry: Entry
    buyer_store_id: uuid.UUID | None = None
    vendor_store_id: uuid.UUID | None = None
    reference: str = ""
    fingerprint: str | None = None


def append(
    tx: Tx,
    entry: Entry,
    *,
    buyer_store_id: uuid.UUID | None = None,
    vendor_store_id: uuid.UUID | None = None,
    reference: str = "",
) -> uuid.UUID | None:
    """Insert an entry with its postings; returns its id, or None when its key was posted before.

    Raises IntegrityError on ledger_entries_order_id_type_key when the order's cash was collected already.
    """
    made = Posted(entry, buyer_store_id=buyer_store_id, vendor_store_id=vendor_store_id, reference=reference)
    return post(tx, [made])[0]


def post(tx: Tx, entries: Sequence[Posted]) -> list[uuid.UUID | None]:
    """Insert entries with one statement; returns their ids in order, None for one whose key was posted before."""
    ids = [new_id() for _ in entries]
    parameters = {
        "entries": to_json(_row(tx, entry_id, posted) for entry_id, posted in zip(ids, entries, strict=True)),
        "sides": to_json(
            side for entry_id, posted in zip(ids, entries, strict=True) for side in _sides(entry_id, posted.entry)
        ),
        "actor": tx.principal.origin or tx.principal.subject,
        "request_id": tx.call.request_id,
        "now": tx.now,
    }
    done = set(tx.execute(_POST, parameters).scalars())
    return [entry_id if entry_id in done else None for entry_id in ids]


@lru_cache(maxsize=10_000)
def account_id(account: Account) -> uuid.UUID:
    """Return the id of an account: derived from its name, so nothing has to be looked up."""
    return derived_id("account", account.kind, account.owner_id or NOBODY, account.currency)


def open_account(tx: Tx, account: Account) -> uuid.UUID:
    """Return the id of an account that is there from now on."""
    values = {"kind": account.kind, "owner": account.owner_id or NOBODY, "currency": account.currency}
    tx.execute(_ENSURE_ACCOUNT, {"id": account_id(account), "now": tx.now, **values})
    return account_id(account)


def balance_cents(tx: Tx, account: Account) -> int:
    """Return an account's balance: debits minus credits, in minor units."""
    return int(tx.execute(_BALANCE, {"account": account_id(account)}).scalar_one())


def balances(tx: Tx) -> Sequence[Any]:
    """Return `kind, currency, sum_cents, debits_cents, credits_cents` over all accounts: the trial balance."""
    rows: Sequence[Any] = tx.execute(_BALANCES).all()
    return rows


def unbalanced_entries(tx: Tx) -> Sequence[Any]:
    """Return entries that do not sum to zero: always none, or the trigger failed."""
    rows: Sequence[Any] = tx.execute(_UNBALANCED).all()
    return rows


def one_sided_entries(tx: Tx) -> Sequence[Any]:
    """Return entries with fewer than two postings."""
    rows: Sequence[Any] = tx.execute(_EMPTY).all()
    return rows


def _row(tx: Tx, entry_id: uuid.UUID, posted: Posted) -> dict[str, Any]:
    entry = posted.entry
    return {
        "id": entry_id,
        "key": entry.key,
        "type": entry.type.value,
        "order_id": entry.order_id,
        "buyer_store_id": posted.buyer_store_id,
        "vendor_store_id": posted.vendor_store_id,
        "cause_type": entry.cause_type,
        "cause_id": entry.cause_id,
        "reverses_id": entry.reverses_id,
        "effective_on": entry.effective_on or market_day(tx.now),
        "fingerprint": posted.fingerprint,
        "reference": posted.reference,
    }


def _sides(entry_id: uuid.UUID, entry: Entry) -> list[dict[str, Any]]:
    return [
        {
            "entry_id": entry_id,
            "position": position,
            "account_id": account_id(posting.account),
            "kind": posting.account.kind.value,
            "owner_id": posting.account.owner_id or NOBODY,
            "currency": posting.account.currency,
            "amount_cents": posting.amount_cents,
        }
        for position, posting in enumerate(entry.postings)
    ]
