"""Put due orders into payouts and transfer them (REQUIREMENTS A.6.7)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.ids import new_id
from services.finance.ledger.domain import ledger as entries
from services.finance.ledger.domain.ledger import Account, AccountKind, account_id
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.data import intents
from services.finance.payouts.data import payouts
from services.finance.payouts.domain.payout import PayoutStatus, net_cents

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.db.tx import Tx

# One run locks and posts that many orders.
BATCH = 1000


@dataclass(frozen=True)
class PayoutTerms:
    """What a transfer has to be."""

    minimum_cents: int = 0
    two_persons_above_cents: int = 0
    counted_cash_only: bool = False


@dataclass(frozen=True)
class Share:
    """A vendor's due orders in one currency, and what they come to."""

    payout_id: uuid.UUID
    intents: Sequence[Any]
    gross_cents: int
    netted_cents: int

    @property
    def amount_cents(self) -> int:
        """Return what is transferred."""
        return self.gross_cents - self.netted_cents


@dataclass(frozen=True)
class Run:
    """What a run did: payouts made, vendors left out, and whether there is more."""

    payout_ids: list[uuid.UUID]
    skipped: list[Share]
    has_more: bool = False


def run_payouts(tx: Tx, *, vendor_store_id: uuid.UUID | None, reference: str, terms: PayoutTerms) -> Run:
    """Pay everything that is due, one payout per vendor and currency; returns what was done."""
    due = intents.lock_due(tx, vendor_store_id=vendor_store_id, counted_only=terms.counted_cash_only, limit=BATCH)
    made, skipped = put_into_payouts(tx, due, reference=reference, terms=terms)
    ids = [share.payout_id for share in made]
    tx.audit(target=vendor_store_id or "all vendors", after={"payouts": [str(payout_id) for payout_id in ids]})
    return Run(ids, skipped, has_more=len(due) == BATCH)


def put_into_payouts(
    tx: Tx, due: Sequence[Any], *, reference: str, terms: PayoutTerms
) -> tuple[list[Share], list[Share]]:
    """Make payouts of locked intents; returns those made and those left out as too small.

    What is above the threshold waits for a second person; the rest is paid here.
    """
    shares = _shares(tx, due)
    skipped = [share for share in shares if 0 < share.amount_cents < terms.minimum_cents]
    made = [share for share in shares if share not in skipped]
    if not made:
        return [], skipped
    waiting = [share for share in made if share.amount_cents > terms.two_persons_above_cents]
    rows = [_payout_row(tx, share, reference=reference, waits=share in waiting) for share in made]
    payouts.add(tx, rows, [item for share in made for item in _items(share)])
    intents.join_payouts(tx, [item for share in made for item in _items(share)])
    transfer(tx, [share for share in made if share not in waiting], reference=reference)
    for share in waiting:
        tx.emit(_requested_event(tx, share))
    return made, skipped


def transfer(tx: Tx, shares: Sequence[Share], *, reference: str) -> None:
    """Post payouts whose intents are locked, mark these as paid, and tell the mesh."""
    told = [posted for share in shares for posted in _entries(share, reference=reference)]
    post_entries(tx, told)
    paid = [intent for share in shares for intent in share.intents]
    if paid:
        intents.pay(tx, [intent.order_id for intent in paid])
    for intent in paid:
        tx.emit(paid_event(tx, intent))


def netted(tx: Tx, *, vendor_store_id: uuid.UUID, currency: str, gross_cents: int) -> int:
    """Return what of a payout the vendor owes us; nobody else nets it until commit."""
    account = account_id(Account(AccountKind.VENDOR_RECEIVABLE, currency, vendor_store_id))
    return min(max(payouts.lock_debts(tx, [account]).get(account, 0), 0), gross_cents)


def _shares(tx: Tx, due: Sequence[Any]) -> list[Share]:
    def vendor(intent: Any) -> tuple[str, str]:
        return str(intent.vendor_store_id), intent.currency

    groups = [list(group) for _, group in groupby(sorted(due, key=vendor), key=vendor)]
    accounts = [
        account_id(Account(AccountKind.VENDOR_RECEIVABLE, group[0].currency, group[0].vendor_store_id))
        for group in groups
    ]
    debts = payouts.lock_debts(tx, accounts)
    shares = []
    for group, account in zip(groups, accounts, strict=True):
        gross = sum(net_cents(intent) for intent in group)
        shares.append(Share(new_id(), group, gross, min(max(debts.get(account, 0), 0), gross)))
    return shares


def _payout_row(tx: Tx, share: Share, *, reference: str, waits: bool) -> dict[str, Any]:
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


def _items(share: Share) -> list[dict[str, Any]]:
    return [
        {
            "payout_id": share.payout_id,
            "order_id": intent.order_id,
            "order_number": intent.order_number,
            "amount_cents": net_cents(intent),
            "active": True,
        }
        for intent in share.intents
    ]


def _entries(share: Share, *, reference: str) -> list[NewEntry]:
    told = [
        NewEntry(
            entries.vendor_payout(
                order_id=intent.order_id,
                vendor_id=intent.vendor_store_id,
                payout_cents=net_cents(intent),
                currency=intent.currency,
                payout_id=share.payout_id,
            ),
            buyer_store_id=intent.buyer_store_id,
            vendor_store_id=intent.vendor_store_id,
            reference=reference,
        )
        for intent in share.intents
        if net_cents(intent)
    ]
    if share.netted_cents:
        first = share.intents[0]
        kept = entries.payout_netted(
            payout_id=share.payout_id,
            vendor_id=first.vendor_store_id,
            netted_cents=share.netted_cents,
            currency=first.currency,
        )
        told.append(NewEntry(kept, vendor_store_id=first.vendor_store_id, reference=reference))
    return told


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


def paid_event(tx: Tx, intent: Any) -> events.OrderPaid:
    """Return what is told of an order whose vendor has its money now."""
    event = events.OrderPaid(
        order_id=str(intent.order_id),
        payment_intent_id=str(intent.id),
        buyer_store_id=str(intent.buyer_store_id),
        vendor_store_id=str(intent.vendor_store_id),
        amount_cents=intent.amount_cents,
        payout_cents=net_cents(intent),
        currency=intent.currency,
        order_number=intent.order_number,
    )
    event.vendor_paid_at.FromDatetime(tx.now)
    return event
