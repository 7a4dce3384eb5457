"""Read payouts, what is due, and what vendors earn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.errors import PayoutStateInvalid
from services.finance.payments.usecases.read_payment import (
    read_payment,
    read_payment_detail,
    read_payments_of_vendor,
    read_totals_of_vendor,
)
from services.finance.payouts.data import due, payouts
from services.finance.payouts.usecases.require_due import require_due

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from meshkit.cursor import Page
    from meshkit.db.tx import Tx
    from services.finance.ledger.domain.subject import Subject
    from services.finance.payments.domain.intent import Intent, IntentDetail, VendorTotals
    from services.finance.payouts.data.payouts import Payout, PayoutDecision, PayoutItem, VendorDebt
    from services.finance.payouts.domain.payout import PayoutTerms


def read_due_payouts(tx: Tx, *, page: Page, terms: PayoutTerms) -> tuple[Sequence[Intent], str]:
    """Return the intents whose vendor can be paid, oldest delivery first, and the next cursor."""
    return page.cut(due.page_of(tx, page, counted_only=terms.counted_cash_only), due.cursor)


def read_due_payout(tx: Tx, subject: Subject) -> tuple[Intent, IntentDetail]:
    """Return the intent of a subject in the payout queue, with its detail.

    Raises NotFound, PayoutNotDue, PayoutHeld, CashMismatchOpen, PayoutStateInvalid.
    """
    intent = read_payment(tx, subject)
    detail = read_payment_detail(tx, intent)
    require_due(intent, detail=detail)
    if intent.payout_id is not None:
        raise PayoutStateInvalid(state="awaiting_approval")
    return intent, detail


def read_payout(tx: Tx, *, payout_id: uuid.UUID) -> Payout:
    """Return a payout. Raises NotFound."""
    payout = payouts.find(tx, payout_id)
    if payout is None:
        raise NotFound
    return payout


def read_payout_parts(tx: Tx, *, payout_id: uuid.UUID) -> tuple[list[PayoutItem], list[PayoutDecision]]:
    """Return a payout's orders and who decided what about it."""
    return payouts.items_of(tx, payout_id), payouts.decisions_of(tx, payout_id)


def read_payouts(tx: Tx, *, status: str, page: Page) -> tuple[Sequence[Payout], str]:
    """Return payouts of a status, or of any, newest first, and the next cursor."""
    return page.cut(payouts.page_of(tx, status=status, page=page), payouts.cursor)


@dataclass(frozen=True)
class Earnings:
    """A page of a vendor's intents, newest first; its totals over all of them, and what it owes us."""

    rows: Sequence[Intent]
    totals: Sequence[VendorTotals]
    debts: Sequence[VendorDebt]
    following: str


def read_earnings(tx: Tx, *, page: Page) -> Earnings:
    """Return what the calling vendor earns."""
    vendor = tx.principal.require_store
    rows, following = read_payments_of_vendor(tx, vendor_store_id=vendor, page=page)
    totals = read_totals_of_vendor(tx, vendor_store_id=vendor)
    return Earnings(rows, totals, payouts.debts_of(tx, vendor), following)
