"""Read which vendors can be paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.finance.payments.data import intents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.payouts.usecases.pay_vendors import PayoutTerms


def list_payouts(tx: Tx, *, page: Page, terms: PayoutTerms) -> tuple[Sequence[Any], str]:
    """Return delivered, settled, unpaid orders, oldest delivery first, and the next cursor."""
    return page.cut(intents.page_of_payouts(tx, page, counted_only=terms.counted_cash_only), intents.payout_cursor)
