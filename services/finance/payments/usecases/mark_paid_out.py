"""Record on locked payments that their vendors have the money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payments.data import intents
from services.finance.payments.usecases.announce_paid import announce_paid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def mark_paid_out(tx: Tx, paid: Sequence[Intent]) -> None:
    """Mark settled intents as paid out, and announce each."""
    for intent in intents.pay(tx, [intent.id for intent in paid]) if paid else ():
        announce_paid(tx, intent)
