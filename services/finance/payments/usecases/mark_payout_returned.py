"""Record on locked payments that the bank sent the money back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payments.data import intents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def mark_payout_returned(tx: Tx, *, intent_ids: Sequence[uuid.UUID]) -> list[Intent]:
    """Mark paid intents as settled and due again; returns them."""
    return intents.take_back(tx, intent_ids)
