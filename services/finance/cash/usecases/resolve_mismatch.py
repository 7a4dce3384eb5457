"""Resolve a cash mismatch: what was found goes to the station, the rest is a cash difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from meshkit.errors import NotFound, ValidationError
from services.finance.cash.data import cash, cash_mismatches, custodies
from services.finance.cash.domain.cash import (
    CashPart,
    Custody,
    HandInAction,
    HandInStatus,
    next_status,
    recovered,
    written_off,
)
from services.finance.errors import CashMismatchResolved, CheckerMustDiffer
from services.finance.ledger.usecases.post_entries import NewEntry, post_entries
from services.finance.payments.usecases.lock_payment import lock_payments_of_orders

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.cash.data.cash import LockedHandIn
    from services.finance.cash.data.cash_mismatches import Mismatch
    from services.finance.payments.domain.intent import Intent


@dataclass(frozen=True)
class Resolution:
    """How much of what was missing has been found, and why the rest is written off."""

    mismatch_id: uuid.UUID
    recovered_cents: int
    currency: str
    reason: str


def resolve_mismatch(tx: Tx, resolution: Resolution, *, two_persons_above_cents: int) -> Mismatch:
    """Resolve the mismatch, so that its order can be paid out again; returns it.

    Raises NotFound, CashMismatchResolved, CheckerMustDiffer for the agent and, above the threshold, for whoever counted;
    ValidationError for more recovered than is missing.
    """
    hand_in, mismatch = _lock(tx, resolution.mismatch_id)
    missing_cents = mismatch.collected_cents - mismatch.counted_cents
    _require_somebody_else(tx, mismatch, large=abs(missing_cents) > two_persons_above_cents)
    if resolution.currency != mismatch.currency:
        raise ValidationError.of("currency", f"must be the hand-in's currency, {mismatch.currency}")
    if resolution.recovered_cents > max(missing_cents, 0):
        raise ValidationError.of("recovered_cents", f"must be at most what is missing, {max(missing_cents, 0)}")
    locked = lock_payments_of_orders(tx, order_ids=[mismatch.order_id])
    assert locked, "no intent is ever deleted"
    intent = locked[0]
    lost_cents = missing_cents - resolution.recovered_cents
    _post(tx, intent, mismatch, resolution, lost_cents=lost_cents)
    cash_mismatches.resolve(
        tx,
        mismatch.id,
        reason=resolution.reason,
        recovered_cents=resolution.recovered_cents,
        written_off_cents=lost_cents,
    )
    custodies.set_mismatches(tx, {intent.id: None})
    if not cash_mismatches.are_open(tx, hand_in.id):
        status = next_status(HandInStatus(hand_in.status), HandInAction.RESOLVE_LAST)
        assert status is not None, "a hand-in with an open mismatch is mismatched"
        cash.set_status(tx, hand_in.id, status=status)
    after = {
        "recovered_cents": resolution.recovered_cents,
        "written_off_cents": lost_cents,
        "reason": resolution.reason,
    }
    tx.audit(target=mismatch.id, before={"missing_cents": missing_cents}, after=after)
    tx.emit(
        events.CashMismatchResolved(
            order_id=str(mismatch.order_id),
            payment_intent_id=str(intent.id),
            vendor_store_id=str(intent.vendor_store_id),
            mismatch_id=str(mismatch.id),
            currency=mismatch.currency,
            recovered_cents=resolution.recovered_cents,
            written_off_cents=lost_cents,
            reason=resolution.reason,
        )
    )
    resolved = cash_mismatches.find(tx, mismatch.id)
    assert resolved is not None, "it is locked"
    return resolved


def _lock(tx: Tx, mismatch_id: uuid.UUID) -> tuple[LockedHandIn, Mismatch]:
    """Return hand-in and mismatch, locked in that order, in which counting locks them too."""
    found = cash_mismatches.find(tx, mismatch_id)
    if found is None:
        raise NotFound
    hand_in = cash.lock(tx, found.hand_in_id)
    assert hand_in is not None, "a foreign key says so"
    mismatch = cash_mismatches.lock(tx, mismatch_id)
    if mismatch.resolved_at is not None:
        raise CashMismatchResolved
    return hand_in, mismatch


def _require_somebody_else(tx: Tx, mismatch: Mismatch, *, large: bool) -> None:
    caller = tx.principal.require_user
    if caller == mismatch.agent_user_id:
        raise CheckerMustDiffer(caller_is=CashPart.AGENT)
    if large and caller == mismatch.counted_by_user_id:
        raise CheckerMustDiffer(caller_is=CashPart.COUNTER)


def _post(tx: Tx, intent: Intent, mismatch: Mismatch, resolution: Resolution, *, lost_cents: int) -> None:
    custody = Custody(mismatch.order_id, mismatch.agent_user_id, mismatch.station_id, mismatch.currency)
    entries = []
    if resolution.recovered_cents:
        entries.append(recovered(custody, cents=resolution.recovered_cents, mismatch_id=mismatch.id))
    if lost_cents:
        entries.append(written_off(custody, cents=lost_cents, mismatch_id=mismatch.id))
    made = [
        NewEntry(
            entry,
            buyer_store_id=intent.buyer_store_id,
            vendor_store_id=intent.vendor_store_id,
            reference=resolution.reason[:200],
        )
        for entry in entries
    ]
    post_entries(tx, made)
