"""Read payouts, what is due, and what vendors earn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import NotFound
from services.finance.errors import PayoutNotDue, PayoutStateInvalid
from services.finance.payments.data import intents
from services.finance.payouts.data import payouts
from services.finance.payouts.usecases.confirm_payout import require_due

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx


def read_due_payout(tx: Tx, *, order_id: uuid.UUID) -> Any:
    """Return the intent of an order in the payout queue.

    Raises NotFound, PayoutNotDue, PayoutHeld, CashMismatchOpen, PayoutStateInvalid.
    """
    intent = intents.find_by_order(tx, order_id)
    if intent is None:
        raise NotFound
    require_due(intent)
    if intent.payout_id is not None:
        raise PayoutStateInvalid(state="awaiting_approval")
    return intent


def read_payout(tx: Tx, *, payout_id: uuid.UUID) -> Any:
    """Return a payout. Raises NotFound."""
    payout = payouts.find(tx, payout_id)
    if payout is None:
        raise NotFound
    return payout


def read_payout_parts(tx: Tx, *, payout_id: uuid.UUID) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return a payout's orders and who decided what about it."""
    return payouts.items_of(tx, payout_id), payouts.decisions_of(tx, payout_id)


def read_payouts(tx: Tx, *, status: str, page: Page) -> tuple[Sequence[Any], str]:
    """Return payouts of a status, or of any, newest first, and the next cursor."""
    return page.cut(payouts.page_of(tx, status=status, page=page), payouts.cursor)


@dataclass(frozen=True)
class Earnings:
    """A page of a vendor's intents, newest first; its totals over all of them, and what it owes us."""

    rows: Sequence[Any]
    totals: Sequence[Any]
    debts: Sequence[Any]
    following: str


def read_earnings(tx: Tx, *, page: Page) -> Earnings:
    """Return what the calling vendor earns."""
    vendor = tx.principal.require_store
    rows, following = page.cut(intents.page_of_vendor(tx, vendor, page), intents.created_cursor)
    return Earnings(rows, intents.totals_of_vendor(tx, vendor), payouts.debts_of(tx, vendor), following)


def acknowledge_payout(tx: Tx, *, order_id: uuid.UUID, note: str) -> Any:
    """Note that the calling vendor says its money has come; returns the intent, unchanged (PF-297).

    Raises NotFound for another vendor's order, PayoutNotDue before the payout.
    """
    intent = intents.find_of_vendor(tx, order_id, tx.principal.require_store)
    if intent is None:
        raise NotFound
    if intent.vendor_paid_at is None:
        raise PayoutNotDue(order_status=intent.order_status, payment_status=intent.status)
    tx.audit(target=order_id, after={"note": note, "payment_status": intent.status})
    return intent
