"""Lock a payout for what is to be decided about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.errors import PayoutStateInvalid
from services.finance.payouts.data import payouts
from services.finance.payouts.domain.payout import PayoutStatus, next_status

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payouts.data.payouts import Payout
    from services.finance.payouts.domain.payout import PayoutAction


def lock_payout(tx: Tx, *, payout_id: uuid.UUID, action: PayoutAction) -> tuple[Payout, PayoutStatus]:
    """Return the locked payout, and the status that an action leads to. Raises NotFound, PayoutStateInvalid."""
    payout = payouts.lock(tx, payout_id)
    if payout is None:
        raise NotFound
    status = next_status(PayoutStatus(payout.status), action)
    if status is None:
        raise PayoutStateInvalid(state=payout.status)
    return payout, status
