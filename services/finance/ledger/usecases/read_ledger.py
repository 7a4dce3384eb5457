"""Read the ledger: accounts, statements, entries, the trial balance."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.ledger.data import books, ledger
from services.finance.ledger.domain.ledger import NOBODY

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import date

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import AccountBalance, PostedEntry, Proof, StatementLine
    from services.finance.ledger.data.ledger import KindTotal


@dataclass(frozen=True)
class Trial:
    """What all accounts add up to."""

    lines: Sequence[KindTotal]
    totals: dict[str, int]
    closed_through: date | None
    proof: Proof | None


def read_trial_balance(tx: Tx) -> Trial:
    """Return debits and credits per kind of account and currency, and the sum per currency."""
    lines = ledger.balances(tx)
    totals: dict[str, int] = defaultdict(int)
    for line in lines:
        totals[line.currency] += int(line.sum_cents)
    return Trial(lines, dict(totals), books.closed_through(tx), books.last_proof(tx))


def read_accounts(tx: Tx, *, owner_id: uuid.UUID | None) -> Sequence[AccountBalance]:
    """Return an owner's accounts, or the platform's own."""
    return books.accounts_of(tx, owner_id or NOBODY)


def read_statement(tx: Tx, *, account_id: uuid.UUID, page: Page) -> tuple[AccountBalance, Sequence[StatementLine], str]:
    """Return an account, a page of its entries with running balance, and the next cursor. Raises NotFound."""
    account = books.find_account(tx, account_id)
    if account is None:
        raise NotFound
    rows, following = page.cut(books.page_of_statement(tx, account_id, page), books.entry_cursor)
    return account, rows, following


def read_entry(tx: Tx, *, entry_id: uuid.UUID) -> PostedEntry:
    """Return an entry with its postings. Raises NotFound."""
    entry = books.find_entry(tx, entry_id)
    if entry is None:
        raise NotFound
    return entry


def read_entries_of_cause(tx: Tx, *, cause_id: uuid.UUID, page: Page) -> tuple[Sequence[PostedEntry], str]:
    """Return what a subject, payout or event did to the ledger, and the next cursor."""
    return page.cut(books.page_of_cause(tx, cause_id, page), books.entry_cursor)
