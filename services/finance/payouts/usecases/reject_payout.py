"""A second person does not let a payout go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.finance.payments.usecases.lock_payment import lock_payments
from services.finance.payments.usecases.mark_in_payouts import mark_in_payouts
from services.finance.payouts.data import payouts
from services.finance.payouts.domain.payout import PayoutAction
from services.finance.payouts.usecases.announce_decision import announce_decision
from services.finance.payouts.usecases.lock_payout import lock_payout

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payouts.data.payouts import Payout


def reject_payout(tx: Tx, *, payout_id: uuid.UUID, reason: str) -> Payout:
    """Give the orders of a waiting payout back to the queue; returns it. Raises NotFound, PayoutStateInvalid."""
    payout, status = lock_payout(tx, payout_id=payout_id, action=PayoutAction.REFUSE)
    payouts.decide(tx, payout_id, decision="reject", reason=reason)
    orders = lock_payments(tx, intent_ids=[item.intent_id for item in payouts.items_of(tx, payout_id)])
    mark_in_payouts(tx, payouts=dict.fromkeys(intent.id for intent in orders))
    payouts.end(tx, payout_id, status=status)
    return announce_decision(tx, payout, status=status, decision="reject", reason=reason)
