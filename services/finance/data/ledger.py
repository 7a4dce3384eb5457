"""SQL of the ledger: it only ever inserts."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from meshkit.db.sql import sql
from meshkit.ids import derived_id, new_id
from services.finance.data.tables import accounts, ledger_entries, postings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.domain.ledger import Account, Entry

NOBODY = uuid.UUID(int=0)

# Sorted, so that two entries that open the same accounts cannot deadlock; without a target, because their twin rows
# collide on the primary key as well.
_ENSURE_ACCOUNTS = sql(
    """
    INSERT INTO accounts (id, kind, owner_id, currency, created_at)
    SELECT id, kind, owner_id, currency, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:owners AS uuid[]), CAST(:currencies AS text[]))
         AS a (id, kind, owner_id, currency)
    ORDER BY id
    ON CONFLICT DO NOTHING
    """
)
_UNBALANCED = sql(
    """
    SELECT p.entry_id, a.currency, sum(p.amount_cents) AS sum_cents, count(*) AS sides
    FROM postings p JOIN accounts a ON a.id = p.account_id
    GROUP BY p.entry_id, a.currency HAVING sum(p.amount_cents) <> 0
    """
)
_EMPTY = sql("SELECT e.id FROM ledger_entries e WHERE (SELECT count(*) FROM postings p WHERE p.entry_id = e.id) < 2")


def append(
    tx: Tx, entry: Entry, *, buyer_store_id: uuid.UUID, vendor_store_id: uuid.UUID, reference: str = ""
) -> uuid.UUID:
    """Insert an entry with its postings; returns its id.

    Raises IntegrityError on ledger_entries_order_id_type_key when the order has such an entry already.
    """
    entry_id = new_id()
    tx.execute(
        insert(ledger_entries).values(
            id=entry_id,
            type=entry.type.value,
            order_id=entry.order_id,
            buyer_store_id=buyer_store_id,
            vendor_store_id=vendor_store_id,
            actor=tx.principal.origin or tx.principal.subject,
            request_id=tx.call.request_id,
            reference=reference,
            created_at=tx.now,
        )
    )
    _ensure_accounts(tx, [posting.account for posting in entry.postings])
    tx.execute(
        insert(postings),
        [
            {
                "entry_id": entry_id,
                "position": position,
                "account_id": account_id(posting.account),
                "amount_cents": posting.amount_cents,
            }
            for position, posting in enumerate(entry.postings)
        ],
    )
    return entry_id


def account_id(account: Account) -> uuid.UUID:
    """Return the id of an account: derived from its name, so nothing has to be looked up."""
    return derived_id("account", account.kind, account.owner_id or NOBODY, account.currency)


def balance_cents(tx: Tx, account: Account) -> int:
    """Return an account's balance: debits minus credits, in minor units."""
    statement = select(func.coalesce(func.sum(postings.c.amount_cents), 0)).where(
        postings.c.account_id == account_id(account)
    )
    return int(tx.execute(statement).scalar_one())


def balances(tx: Tx) -> Sequence[Any]:
    """Return `kind, currency, sum_cents` over all accounts: the trial balance by kind."""
    statement = (
        select(accounts.c.kind, accounts.c.currency, func.sum(postings.c.amount_cents).label("sum_cents"))
        .join(postings, postings.c.account_id == accounts.c.id)
        .group_by(accounts.c.kind, accounts.c.currency)
    )
    rows: Sequence[Any] = tx.execute(statement).all()
    return rows


def unbalanced_entries(tx: Tx) -> Sequence[Any]:
    """Return entries that do not sum to zero: always none, or the trigger failed."""
    rows: Sequence[Any] = tx.execute(_UNBALANCED).all()
    return rows


def one_sided_entries(tx: Tx) -> Sequence[Any]:
    """Return entries with fewer than two postings."""
    rows: Sequence[Any] = tx.execute(_EMPTY).all()
    return rows


def _ensure_accounts(tx: Tx, names: list[Account]) -> None:
    ordered = sorted(names, key=lambda account: str(account_id(account)))
    tx.execute(
        _ENSURE_ACCOUNTS,
        {
            "now": tx.now,
            "ids": [account_id(account) for account in ordered],
            "kinds": [account.kind.value for account in ordered],
            "owners": [account.owner_id or NOBODY for account in ordered],
            "currencies": [account.currency for account in ordered],
        },
    )
