"""Record on locked payments what payouts did with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payments.data import intents
from services.finance.payments.usecases.announce_paid import announce_paid

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def mark_in_payouts(tx: Tx, *, payouts: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Set the payout that each intent is in; None takes it out."""
    intents.set_payouts(tx, payouts)


def mark_paid_out(tx: Tx, paid: Sequence[Intent]) -> None:
    """Mark settled intents as paid out, and announce each."""
    if paid:
        intents.pay(tx, [intent.id for intent in paid])
    for intent in paid:
        announce_paid(tx, intent)


def mark_payout_returned(tx: Tx, *, intent_ids: Sequence[uuid.UUID]) -> None:
    """Mark paid intents as settled and due again."""
    intents.take_back(tx, intent_ids)
