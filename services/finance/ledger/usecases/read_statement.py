"""Read what moved an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.ledger.data import books

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.data.books import AccountBalance, StatementLine


def read_statement(tx: Tx, *, account_id: uuid.UUID, page: Page) -> tuple[AccountBalance, Sequence[StatementLine], str]:
    """Return an account, a page of its entries with running balance, and the next cursor. Raises NotFound."""
    account = books.find_account(tx, account_id)
    if account is None:
        raise NotFound
    rows, following = page.cut(books.page_of_statement(tx, account_id, page), books.entry_cursor)
    return account, rows, following
