"""Mark on locked payments what cash custody and payouts did with their orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payments.data import intents
from services.finance.payments.usecases.announce_paid import announce_paid

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def mark_handed_in(tx: Tx, *, order_ids: Sequence[uuid.UUID], hand_in_id: uuid.UUID) -> None:
    """Mark the orders' cash as declared in a hand-in."""
    intents.join_hand_in(tx, order_ids, hand_in_id=hand_in_id)


def mark_mismatched(tx: Tx, *, mismatches: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Mark by order which open mismatch keeps it from its payout; None once that is resolved."""
    intents.join_mismatches(tx, mismatches)


def mark_counted(tx: Tx, *, order_ids: Sequence[uuid.UUID]) -> None:
    """Mark the orders' cash as counted at a station."""
    intents.note_counted(tx, order_ids)


def mark_in_payouts(tx: Tx, *, payouts: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Mark by order which payout each intent is in; None takes it out again."""
    intents.join_payouts(tx, payouts)


def mark_paid_out(tx: Tx, paid: Sequence[Intent]) -> None:
    """Mark settled intents as paid out, and announce each."""
    if paid:
        intents.pay(tx, [intent.order_id for intent in paid])
    for intent in paid:
        announce_paid(tx, intent)


def mark_payout_returned(tx: Tx, *, order_ids: Sequence[uuid.UUID]) -> None:
    """Mark paid intents as settled and due again."""
    intents.take_back(tx, order_ids)


def mark_payout_held(tx: Tx, intent: Intent, *, reason: str) -> Intent:
    """Return the intent, kept out of payouts for a reason; an empty one lets it in again."""
    return intents.change(tx, intent.id, payout_hold_reason=reason)
