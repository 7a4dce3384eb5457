"""SQL that reads the ledger: statements, entries with their causes, periods, snapshots."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from meshkit.cursor import Cursor
from meshkit.db.sql import sql
from services.finance.ledger.domain.ledger import Posting, Side, postings_of
from services.finance.ledger.domain.subject import subject_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject

_FIRST = uuid.UUID(int=0)


class PostedEntry(NamedTuple):
    """An entry of the ledger with its sides, its cause, and what took it back."""

    id: uuid.UUID
    type: str
    key: str | None
    effective_on: date
    created_at: datetime
    subject_kind: str | None
    subject_id: uuid.UUID | None
    cause_type: str
    cause_id: uuid.UUID
    reference: str
    actor: str
    request_id: str
    reverses_id: uuid.UUID | None
    buyer_store_id: uuid.UUID | None
    vendor_store_id: uuid.UUID | None
    reversed_by_id: uuid.UUID | None
    sides: list[Side]

    @property
    def postings(self) -> tuple[Posting, ...]:
        """Return the sides as the domain knows them."""
        return postings_of(self.sides)

    @property
    def subject(self) -> Subject | None:
        """Return what it is about, or None."""
        return subject_of(self.subject_kind, self.subject_id)


class KeyedEntry(NamedTuple):
    """An entry that was posted under a key, and what tells it from any other of that key."""

    id: uuid.UUID
    key: str
    fingerprint: str | None


class AccountBalance(NamedTuple):
    """An account, its balance, and what pending holds keep back of it."""

    id: uuid.UUID
    kind: str
    owner_id: uuid.UUID
    currency: str
    balance_cents: Decimal
    held_cents: Decimal


class StatementLine(NamedTuple):
    """What an entry did to an account, and the account's balance after it."""

    id: uuid.UUID
    type: str
    effective_on: date
    created_at: datetime
    subject_kind: str | None
    subject_id: uuid.UUID | None
    cause_type: str
    cause_id: uuid.UUID
    amount_cents: Decimal
    balance_cents: Decimal


class WrongSnapshot(NamedTuple):
    """A snapshot, and the sum of the postings that it should be."""

    account_id: uuid.UUID
    balance_cents: Decimal
    sum_cents: Decimal


class Proof(NamedTuple):
    """When everything was recomputed from the postings, and what did not fit."""

    proved_at: datetime
    problems: list[dict[str, str]]


_ENTRY = """
    SELECT e.id, e.type, e.key, e.effective_on, e.created_at, e.subject_kind, e.subject_id, e.cause_type,
           coalesce(e.cause_id, e.subject_id) AS cause_id, e.reference, e.actor, e.request_id, e.reverses_id,
           e.buyer_store_id, e.vendor_store_id,
           (SELECT r.id FROM ledger_entries r WHERE r.reverses_id = e.id) AS reversed_by_id,
           (SELECT json_agg(json_build_object('account_id', a.id, 'kind', a.kind, 'owner_id', a.owner_id,
                                              'currency', a.currency, 'amount_cents', p.amount_cents)
                            ORDER BY p.position)
            FROM postings p JOIN accounts a ON a.id = p.account_id WHERE p.entry_id = e.id) AS sides
    FROM ledger_entries e
"""
_FIND_ENTRY = sql(f"{_ENTRY} WHERE e.id = :id", PostedEntry)
_BY_KEYS = sql("SELECT {columns} FROM ledger_entries WHERE key = ANY(CAST(:keys AS text[]))", KeyedEntry)
# Two index walks instead of one scan: what a subject caused itself, and what names any other cause.
_OF_CAUSE = sql(
    f"""
    SELECT {{columns}} FROM (
        ({_ENTRY} WHERE e.subject_id = :cause AND e.id > :after ORDER BY e.id LIMIT :limit)
        UNION ALL
        ({_ENTRY} WHERE e.cause_id = :cause AND e.subject_id IS DISTINCT FROM :cause AND e.id > :after
         ORDER BY e.id LIMIT :limit)
    ) caused ORDER BY id LIMIT :limit
    """,  # noqa: S608
    PostedEntry,
)
_ACCOUNT = """
    SELECT a.id, a.kind, a.owner_id, a.currency,
           coalesce(s.balance_cents, 0)
           + coalesce((SELECT sum(p.amount_cents) FROM postings p WHERE p.account_id = a.id
                       AND p.entry_id > coalesce(s.upto_entry_id, '00000000-0000-0000-0000-000000000000')), 0)
             AS balance_cents,
           coalesce((SELECT sum(h.amount_cents) FROM holds h WHERE h.account_id = a.id AND h.status = 'pending'), 0)
             AS held_cents
    FROM accounts a LEFT JOIN LATERAL (
        SELECT upto_entry_id, balance_cents FROM account_snapshots WHERE account_id = a.id
        ORDER BY upto_entry_id DESC LIMIT 1) s ON true
"""
_FIND_ACCOUNT = sql(f"{_ACCOUNT} WHERE a.id = :id", AccountBalance)
_ACCOUNTS_OF = sql(f"{_ACCOUNT} WHERE a.owner_id = :owner ORDER BY a.kind, a.currency", AccountBalance)
_STATEMENT = sql(
    """
    WITH start AS (
        SELECT upto_entry_id, balance_cents FROM account_snapshots
        WHERE account_id = :account AND upto_entry_id <= :after ORDER BY upto_entry_id DESC LIMIT 1
    ), opening AS (
        SELECT coalesce((SELECT balance_cents FROM start), 0) + coalesce(sum(p.amount_cents), 0) AS cents
        FROM postings p
        WHERE p.account_id = :account AND p.entry_id <= :after
          AND p.entry_id > coalesce((SELECT upto_entry_id FROM start), '00000000-0000-0000-0000-000000000000')
    ), page AS (
        SELECT p.entry_id, sum(p.amount_cents) AS amount_cents FROM postings p
        WHERE p.account_id = :account AND p.entry_id > :after
        GROUP BY p.entry_id ORDER BY p.entry_id LIMIT :limit
    )
    SELECT e.id, e.type, e.effective_on, e.created_at, e.subject_kind, e.subject_id, e.cause_type,
           coalesce(e.cause_id, e.subject_id) AS cause_id, page.amount_cents,
           (SELECT cents FROM opening) + sum(page.amount_cents) OVER (ORDER BY page.entry_id) AS balance_cents
    FROM page JOIN ledger_entries e ON e.id = page.entry_id ORDER BY e.id
    """,
    StatementLine,
)
_CLOSED_THROUGH = sql("SELECT max(closed_through) FROM period_closings", date | None)
_CLOSE = sql(
    "INSERT INTO period_closings (closed_through, reason, closed_by_user_id, closed_at)"
    " VALUES (:day, :reason, :user, :now)"
)
# Closing a period and posting an entry wait for each other; the triggers take the same lock.
_LOCK_PERIODS = sql("SELECT pg_advisory_xact_lock(7362004)")
# Up to an entry so old that no transaction under way can still commit an earlier one.
_SNAPSHOT = sql(
    """
    WITH edge AS (
        SELECT id FROM ledger_entries WHERE created_at < :before ORDER BY id DESC LIMIT 1
    ), moved AS (
        SELECT p.account_id, sum(p.amount_cents) AS cents
        FROM postings p LEFT JOIN LATERAL (
            SELECT upto_entry_id FROM account_snapshots WHERE account_id = p.account_id
            ORDER BY upto_entry_id DESC LIMIT 1) s ON true
        WHERE p.entry_id <= (SELECT id FROM edge)
          AND p.entry_id > coalesce(s.upto_entry_id, '00000000-0000-0000-0000-000000000000')
        GROUP BY p.account_id
    )
    INSERT INTO account_snapshots (account_id, upto_entry_id, balance_cents, taken_at)
    SELECT m.account_id, (SELECT id FROM edge),
           m.cents + coalesce((SELECT balance_cents FROM account_snapshots WHERE account_id = m.account_id
                               ORDER BY upto_entry_id DESC LIMIT 1), 0), :now
    FROM moved m ON CONFLICT ON CONSTRAINT account_snapshots_pk DO NOTHING
    """
)
_WRONG_SNAPSHOTS = sql(
    """
    SELECT s.account_id, s.balance_cents, coalesce(sum(p.amount_cents), 0) AS sum_cents
    FROM account_snapshots s LEFT JOIN postings p ON p.account_id = s.account_id AND p.entry_id <= s.upto_entry_id
    GROUP BY s.account_id, s.upto_entry_id, s.balance_cents
    HAVING s.balance_cents <> coalesce(sum(p.amount_cents), 0)
    """,
    WrongSnapshot,
)
_WRONG_REVERSALS = sql(
    """
    SELECT r.id FROM ledger_entries r
    WHERE r.reverses_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM postings p WHERE p.entry_id IN (r.id, r.reverses_id)
        GROUP BY p.account_id HAVING sum(p.amount_cents) <> 0)
    """,
    uuid.UUID,
)
_LAST_PROOF = sql("SELECT {columns} FROM ledger_proofs ORDER BY proved_at DESC LIMIT 1", Proof)


def find_entry(tx: Tx, entry_id: uuid.UUID) -> PostedEntry | None:
    """Return an entry with its postings and what took it back, or None."""
    return tx.execute(_FIND_ENTRY, {"id": entry_id}).one_or_none()


def by_keys(tx: Tx, keys: Sequence[str]) -> dict[str, KeyedEntry]:
    """Return the entries that have one of these keys, by key."""
    return {row.key: row for row in tx.execute(_BY_KEYS, {"keys": list(keys)})} if keys else {}


def page_of_cause(tx: Tx, cause_id: uuid.UUID, page: Page) -> list[PostedEntry]:
    """Return the entries of a subject or of any other cause, oldest first, one more than the page."""
    after = page.after.id if page.after else _FIRST
    return tx.execute(_OF_CAUSE, {"cause": cause_id, "after": after, "limit": page.fetch}).all()


def entry_cursor(entry: PostedEntry | StatementLine) -> Cursor:
    """Return the sort key of entries: their ids sort by the time they were made."""
    return Cursor(entry.created_at, entry.id)


def find_account(tx: Tx, account_id: uuid.UUID) -> AccountBalance | None:
    """Return an account with its balance and what is held of it, or None."""
    return tx.execute(_FIND_ACCOUNT, {"id": account_id}).one_or_none()


def accounts_of(tx: Tx, owner_id: uuid.UUID) -> list[AccountBalance]:
    """Return the accounts of an owner with balance and what is held."""
    return tx.execute(_ACCOUNTS_OF, {"owner": owner_id}).all()


def page_of_statement(tx: Tx, account_id: uuid.UUID, page: Page) -> list[StatementLine]:
    """Return an account's entries with the balance after each, oldest first, one more than the page."""
    after = page.after.id if page.after else _FIRST
    return tx.execute(_STATEMENT, {"account": account_id, "after": after, "limit": page.fetch}).all()


def closed_through(tx: Tx) -> date | None:
    """Return the last day that is closed, or None."""
    return tx.execute(_CLOSED_THROUGH).one()


def lock_periods(tx: Tx) -> None:
    """Keep others from posting entries and closing periods until commit."""
    tx.execute(_LOCK_PERIODS)


def close_period(tx: Tx, *, day: date, reason: str, user_id: uuid.UUID) -> None:
    """Close the books for all days up to one, itself included. The periods must be locked."""
    tx.execute(_CLOSE, {"day": day, "reason": reason, "user": user_id, "now": tx.now})


def take_snapshots(tx: Tx, *, before: datetime) -> int:
    """Note the balance of every account that moved since its last snapshot; returns how many."""
    return tx.execute(_SNAPSHOT, {"before": before, "now": tx.now}).rowcount


def wrong_snapshots(tx: Tx) -> list[WrongSnapshot]:
    """Return snapshots that are not the sum of their postings."""
    return tx.execute(_WRONG_SNAPSHOTS).all()


def wrong_reversals(tx: Tx) -> list[uuid.UUID]:
    """Return the ids of reversing entries that leave something of what they take back."""
    return tx.execute(_WRONG_REVERSALS).all()


def last_proof(tx: Tx) -> Proof | None:
    """Return the newest proof, or None."""
    return tx.execute(_LAST_PROOF).first()
