"""Announce what was decided about a payout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from services.finance.payouts.data import payouts

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.payouts.data.payouts import Payout
    from services.finance.payouts.domain.payout import PayoutStatus


def announce_decision(tx: Tx, payout: Payout, *, status: PayoutStatus, decision: str, reason: str) -> Payout:
    """Announce and log a decision about a payout, which is locked as it was before; returns it as it is now."""
    tx.audit(target=payout.id, before={"status": payout.status}, after={"status": status})
    after = payouts.find(tx, payout.id)
    assert after is not None, "it is locked"
    tx.emit(
        events.PayoutDecided(
            payout_id=str(payout.id),
            vendor_store_id=str(payout.vendor_store_id),
            vendor_store_name=payout.vendor_store_name,
            decision=decision,
            reason=reason,
            amount_cents=after.gross_cents - after.netted_cents,
            currency=payout.currency,
        )
    )
    return after
