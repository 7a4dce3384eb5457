"""Record on locked payments which payouts they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payments.data import intents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from meshkit.db.tx import Tx


def mark_in_payouts(tx: Tx, *, payouts: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
    """Set the payout that each intent is in; None takes it out."""
    intents.set_payouts(tx, payouts)
