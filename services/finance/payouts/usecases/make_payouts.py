"""Put due orders into payouts: one per vendor and currency."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.ids import new_id
from services.finance.ledger.domain.ledger import Account, AccountKind
from services.finance.payments.domain.intent import net_cents
from services.finance.payments.usecases.mark_in_payouts import mark_in_payouts
from services.finance.payouts.data import payouts
from services.finance.payouts.domain.payout import PayoutStatus, PayoutTerms, Share
from services.finance.payouts.usecases.net_debts import net_debts
from services.finance.payouts.usecases.transfer_payouts import transfer_payouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshkit.db.tx import Tx
    from services.finance.payments.domain.intent import Intent


def make_payouts(
    tx: Tx, due: Sequence[Intent], *, reference: str, terms: PayoutTerms
) -> tuple[list[Share], list[Share]]:
    """Make payouts of locked intents; returns those made and those left out as too small.

    What is above the threshold waits for a second person; the rest is paid here.
    """
    shares = _shares(tx, due)
    skipped = [share for share in shares if terms.is_too_small(share.amount_cents)]
    made = [share for share in shares if share not in skipped]
    if not made:
        return [], skipped
    waiting = [share for share in made if share.amount_cents > terms.two_persons_above_cents]
    rows = [_payout_row(tx, share, reference=reference, waits=share in waiting) for share in made]
    payouts.add(tx, rows, [item for share in made for item in _items(share)])
    mark_in_payouts(tx, payouts={intent.id: share.payout_id for share in made for intent in share.intents})
    transfer_payouts(tx, [share for share in made if share not in waiting], reference=reference)
    for share in waiting:
        tx.emit(_requested_event(tx, share))
    return made, skipped


def _shares(tx: Tx, due: Sequence[Intent]) -> list[Share]:
    def vendor(intent: Intent) -> tuple[str, str]:
        return str(intent.vendor_store_id), intent.currency

    groups = [list(group) for _, group in groupby(sorted(due, key=vendor), key=vendor)]
    accounts = [Account(AccountKind.VENDOR_RECEIVABLE, group[0].currency, group[0].vendor_store_id) for group in groups]
    gross = [sum(net_cents(intent) for intent in group) for group in groups]
    kept = net_debts(tx, dict(zip(accounts, gross, strict=True)))
    return [
        Share(new_id(), group, cents, kept[account])
        for group, account, cents in zip(groups, accounts, gross, strict=True)
    ]


def _payout_row(tx: Tx, share: Share, *, reference: str, waits: bool) -> dict[str, object]:
    first = share.intents[0]
    return {
        "id": share.payout_id,
        "vendor_store_id": first.vendor_store_id,
        "vendor_store_name": first.vendor_store_name,
        "status": PayoutStatus.AWAITING_APPROVAL if waits else PayoutStatus.PAID,
        "currency": first.currency,
        "gross_cents": share.gross_cents,
        "netted_cents": share.netted_cents,
        "reference": reference,
        "requested_by_user_id": tx.principal.require_user,
        "created_at": tx.now,
        "paid_at": None if waits else tx.now,
    }


def _items(share: Share) -> list[dict[str, object]]:
    return [
        {
            "payout_id": share.payout_id,
            "intent_id": intent.id,
            "amount_cents": net_cents(intent),
            "active": True,
        }
        for intent in share.intents
    ]


def _requested_event(tx: Tx, share: Share) -> events.PayoutRequested:
    first = share.intents[0]
    return events.PayoutRequested(
        payout_id=str(share.payout_id),
        vendor_store_id=str(first.vendor_store_id),
        vendor_store_name=first.vendor_store_name,
        amount_cents=share.amount_cents,
        currency=first.currency,
        order_count=len(share.intents),
        requested_by_user_id=str(tx.principal.require_user),
    )
