"""Lock payments: every use case that changes one, here or in a sibling, begins with this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.ledger.domain.subject import SubjectKind
from services.finance.payments.data import intents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent


def lock_payment(tx: Tx, subject: Subject) -> Intent:
    """Return a subject's intent, which nobody else changes until commit. Raises NotFound."""
    intent = intents.lock(tx, subject)
    if intent is None:
        raise NotFound
    return intent


def lock_payments(tx: Tx, *, intent_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Return those of the intents that are there, in the order of their ids."""
    return intents.lock_many(tx, intent_ids)


def lock_payments_of_orders(tx: Tx, *, order_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Return the intents of those of the orders that have one, in the order of their ids."""
    return intents.lock_subjects(tx, SubjectKind.ORDER, order_ids)
