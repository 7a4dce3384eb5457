"""Rows to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketmesh.finance.v1 import (
    earnings_service_pb2,
    ledger_admin_service_pb2,
    ledger_pb2,
    payment_pb2,
    payout_service_pb2,
)
from marketmesh.finance.v1 import payout_batch_service_pb2 as batches
from meshkit.ids import parse_id
from services.finance.ledger.domain.ledger import NOBODY, Account, AccountKind
from services.finance.payments.domain.intent import earned_cents
from services.finance.payouts.domain.payout import net_cents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp


def intent_message(row: Any) -> payment_pb2.PaymentIntent:
    """Return a payment intent."""
    message = payment_pb2.PaymentIntent(
        id=str(row.id),
        order_id=str(row.order_id),
        buyer_store_id=str(row.buyer_store_id),
        vendor_store_id=str(row.vendor_store_id),
        method=row.method,
        status=row.status,
        amount_cents=row.amount_cents,
        fee_cents=row.fee_cents,
        currency=row.currency,
        failure_reason=row.failure_reason,
        payout_id=str(row.payout_id or ""),
        payout_hold_reason=row.payout_hold_reason,
        refunded_cents=row.refunded_cents,
        refunded_fee_cents=row.refunded_fee_cents,
        credited_cents=row.credited_cents,
        collected_by_user_id=str(row.collected_by_user_id or ""),
        hand_in_id=str(row.hand_in_id or ""),
        cash_mismatch_id=str(row.cash_mismatch_id or ""),
    )
    _set_time(message.cash_collected_at, row.cash_collected_at)
    _set_time(message.vendor_paid_at, row.vendor_paid_at)
    _set_time(message.payout_returned_at, row.payout_returned_at)
    _set_time(message.cash_counted_at, row.cash_counted_at)
    _set_time(message.created_at, row.created_at)
    return message


def payout_message(row: Any) -> payout_service_pb2.Payout:
    """Return one row of the payout queue."""
    message = payout_service_pb2.Payout(
        order_id=str(row.order_id),
        order_number=row.order_number,
        vendor_store_id=str(row.vendor_store_id),
        vendor_store_name=row.vendor_store_name,
        amount_cents=net_cents(row),
        fee_cents=row.fee_cents,
        currency=row.currency,
    )
    _set_time(message.delivered_at, row.delivered_at)
    return message


def batch_message(row: Any, items: Sequence[Any] = (), decisions: Sequence[Any] = ()) -> batches.PayoutBatch:
    """Return a payout, with its parts if they are given."""
    message = batches.PayoutBatch(
        payout_id=str(row.id),
        vendor_store_id=str(row.vendor_store_id),
        vendor_store_name=row.vendor_store_name,
        status=row.status,
        currency=row.currency,
        gross_cents=row.gross_cents,
        netted_cents=row.netted_cents,
        amount_cents=row.gross_cents - row.netted_cents,
        reference=row.reference,
        items=[
            batches.PayoutItem(
                order_id=str(item.order_id), order_number=item.order_number, amount_cents=item.amount_cents
            )
            for item in items
        ],
    )
    _set_time(message.created_at, row.created_at)
    _set_time(message.paid_at, row.paid_at)
    for decision in decisions:
        told = message.decisions.add(user_id=str(decision.user_id), decision=decision.decision, reason=decision.reason)
        _set_time(told.decided_at, decision.decided_at)
    return message


def earning_message(row: Any) -> earnings_service_pb2.Earning:
    """Return what a vendor gets for an order."""
    message = earnings_service_pb2.Earning(
        order_id=str(row.order_id),
        order_number=row.order_number,
        payment_status=row.status,
        currency=row.currency,
        amount_cents=row.amount_cents,
        fee_cents=row.fee_cents,
        refunded_cents=row.refunded_cents,
        refunded_fee_cents=row.refunded_fee_cents,
        net_cents=earned_cents(row),
        payout_id=str(row.payout_id or ""),
    )
    _set_time(message.delivered_at, row.delivered_at)
    _set_time(message.vendor_paid_at, row.vendor_paid_at)
    _set_time(message.created_at, row.created_at)
    return message


def earning_totals_message(row: Any) -> earnings_service_pb2.EarningTotals:
    """Return what a vendor earns in a currency."""
    return earnings_service_pb2.EarningTotals(
        currency=row.currency,
        orders=row.orders,
        net_cents=row.paid_cents + row.due_cents + row.open_cents,
        paid_cents=row.paid_cents,
        due_cents=row.due_cents,
        open_cents=row.open_cents,
    )


def account_name(message: ledger_pb2.AccountName, *, field: str) -> Account:
    """Return the account that a request names. Raises ValidationError."""
    kind = AccountKind(ledger_pb2.AccountKind.Value.Name(message.kind))
    owner = parse_id(message.owner_id, field=f"{field}.owner_id") if message.owner_id else None
    return Account(kind, message.currency, owner)


def account_message(row: Any) -> ledger_pb2.LedgerAccount:
    """Return an account with its balance."""
    return ledger_pb2.LedgerAccount(
        account_id=str(row.id),
        kind=row.kind,
        owner_id=_owner(row.owner_id),
        currency=row.currency,
        balance_cents=int(row.balance_cents),
        held_cents=int(row.held_cents),
    )


def entry_message(row: Any) -> ledger_pb2.LedgerEntry:
    """Return an entry with its postings, its cause, and what it took back or what took it back."""
    message = ledger_pb2.LedgerEntry(
        entry_id=str(row.id),
        type=row.type,
        key=row.key or "",
        effective_on=row.effective_on.isoformat(),
        order_id=str(row.order_id or ""),
        cause_type=row.cause_type,
        cause_id=str(row.cause_id),
        reference=row.reference,
        actor=row.actor,
        request_id=row.request_id,
        reverses_id=str(row.reverses_id or ""),
        reversed_by_id=str(row.reversed_by_id or ""),
        postings=[ledger_pb2.LedgerPosting(**{**side, "owner_id": _owner(side["owner_id"])}) for side in row.postings],
    )
    _set_time(message.created_at, row.created_at)
    return message


def statement_line(row: Any) -> ledger_admin_service_pb2.StatementLine:
    """Return one line of a statement."""
    message = ledger_admin_service_pb2.StatementLine(
        entry_id=str(row.id),
        type=row.type,
        effective_on=row.effective_on.isoformat(),
        order_id=str(row.order_id or ""),
        cause_type=row.cause_type,
        cause_id=str(row.cause_id),
        amount_cents=int(row.amount_cents),
        balance_cents=int(row.balance_cents),
    )
    _set_time(message.created_at, row.created_at)
    return message


def hold_message(row: Any) -> ledger_pb2.Hold:
    """Return a hold."""
    message = ledger_pb2.Hold(
        hold_id=str(row.id),
        key=row.key,
        account_id=str(row.account_id),
        status=row.status,
        amount_cents=row.amount_cents,
        currency=row.currency,
        reason=row.reason,
        entry_id=str(row.entry_id or ""),
    )
    _set_time(message.expires_at, row.expires_at)
    _set_time(message.created_at, row.created_at)
    return message


def _owner(owner_id: Any) -> str:
    return "" if str(owner_id) == str(NOBODY) else str(owner_id)


def _set_time(target: Timestamp, value: datetime | None) -> None:
    if value is not None:
        target.FromDatetime(value)
