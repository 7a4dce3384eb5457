"""Read what was handed in: all of it, or what the calling agent did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.cash.data import cash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash import HandIn


def read_hand_ins(tx: Tx, *, status: str, page: Page) -> tuple[Sequence[HandIn], str]:
    """Return hand-ins of a status, or of any, oldest first, and the next cursor."""
    return page.cut(cash.page_of(tx, status=status, page=page), cash.declared_cursor)


def read_my_hand_ins(tx: Tx, *, page: Page) -> tuple[Sequence[HandIn], str]:
    """Return the calling agent's hand-ins, newest first, and the next cursor."""
    return page.cut(cash.page_of_agent(tx, tx.principal.require_user, page), cash.declared_cursor)
