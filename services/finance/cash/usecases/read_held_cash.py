"""Read what cash an agent carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.data import custodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.cash.data.custodies import HeldCash


def read_held_cash(tx: Tx, *, page: Page) -> tuple[Sequence[HeldCash], str]:
    """Return orders whose cash the calling agent carries undeclared, longest carried first, and the next cursor."""
    return page.cut(custodies.page_of_held(tx, tx.principal.require_user, page), custodies.held_cursor)
