"""The entry that settles a payment intent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.ledger.domain.ledger import Collection, Entry, cash_collected

if TYPE_CHECKING:
    import uuid

    from services.finance.payments.domain.intent import Intent


def settlement(intent: Intent, *, agent_id: uuid.UUID | None) -> Entry:
    """Return the entry of an agent's cash; without an agent, of one that was credited in whole."""
    return cash_collected(
        Collection(
            subject=intent.subject,
            agent_id=agent_id,
            buyer_id=intent.buyer_store_id,
            vendor_id=intent.vendor_store_id,
            amount_cents=intent.amount_cents,
            fee_cents=intent.fee_cents,
            currency=intent.currency,
            credited_cents=intent.credited_cents,
        )
    )
