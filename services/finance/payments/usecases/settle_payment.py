"""Settle a payment: the books have the money, and the intent says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.data import intents
from services.finance.payments.domain.intent import IntentAction, IntentStatus, next_status
from services.finance.payments.domain.settlement import settlement

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def settle_payment(tx: Tx, intent: Intent, *, agent_id: uuid.UUID) -> Intent:
    """Return the locked intent, settled by cash that an agent holds. Its state must allow it."""
    settled = next_status(IntentStatus(intent.status), IntentAction.COLLECT)
    assert settled is not None, "who collects has looked"
    post_payment(tx, intent, agent_id=agent_id)
    return intents.change(tx, intent.id, status=settled, failure_reason="")


def post_payment(tx: Tx, intent: Intent, *, agent_id: uuid.UUID | None) -> None:
    """Post the entry that settles an intent; without an agent all of it was credited."""
    entry = settlement(intent, agent_id=agent_id)
    post_entries(tx, [NewEntry(entry, buyer_store_id=intent.buyer_store_id, vendor_store_id=intent.vendor_store_id)])
