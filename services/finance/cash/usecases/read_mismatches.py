"""Read which cash does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.data import cash_mismatches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash_mismatches import Mismatch


def read_mismatches(tx: Tx, *, page: Page) -> tuple[Sequence[Mismatch], str]:
    """Return open mismatches, oldest first, and the next cursor."""
    return page.cut(cash_mismatches.page_of_open(tx, page), cash_mismatches.found_cursor)
