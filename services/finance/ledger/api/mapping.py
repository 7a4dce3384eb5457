"""Rows and results to messages, one function per message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import (
    ledger_admin_service_pb2,
    ledger_pb2,
)
from meshkit.ids import parse_id
from meshkit.messages import set_time
from services.finance.ledger.domain.ledger import NOBODY, Account, AccountKind
from services.finance.ledger.domain.subject import SubjectKind

if TYPE_CHECKING:
    import uuid

    from services.finance.ledger.data.books import AccountBalance, PostedEntry, StatementLine
    from services.finance.ledger.data.holds import Hold


def account_name(message: ledger_pb2.AccountName, *, field: str) -> Account:
    """Return the account that a request names. Raises ValidationError."""
    kind = AccountKind(ledger_pb2.AccountKind.Value.Name(message.kind))
    owner = parse_id(message.owner_id, field=f"{field}.owner_id") if message.owner_id else None
    return Account(kind, message.currency, owner)


def account_message(row: AccountBalance) -> ledger_pb2.LedgerAccount:
    """Return an account with its balance."""
    return ledger_pb2.LedgerAccount(
        account_id=str(row.id),
        kind=row.kind,
        owner_id=_owner(row.owner_id),
        currency=row.currency,
        balance_cents=int(row.balance_cents),
        held_cents=int(row.held_cents),
    )


def entry_message(row: PostedEntry) -> ledger_pb2.LedgerEntry:
    """Return an entry with its postings, its cause, and what it took back or what took it back."""
    message = ledger_pb2.LedgerEntry(
        entry_id=str(row.id),
        type=row.type,
        key=row.key or "",
        effective_on=row.effective_on.isoformat(),
        order_id=_order_id(row),
        cause_type=row.cause_type,
        cause_id=str(row.cause_id),
        reference=row.reference,
        actor=row.actor,
        request_id=row.request_id,
        reverses_id=str(row.reverses_id or ""),
        reversed_by_id=str(row.reversed_by_id or ""),
        postings=[
            ledger_pb2.LedgerPosting(
                account_id=side["account_id"],
                kind=side["kind"],
                owner_id=_owner(side["owner_id"]),
                currency=side["currency"],
                amount_cents=side["amount_cents"],
            )
            for side in row.sides
        ],
    )
    set_time(message.created_at, row.created_at)
    return message


def statement_line(row: StatementLine) -> ledger_admin_service_pb2.StatementLine:
    """Return one line of a statement."""
    message = ledger_admin_service_pb2.StatementLine(
        entry_id=str(row.id),
        type=row.type,
        effective_on=row.effective_on.isoformat(),
        order_id=_order_id(row),
        cause_type=row.cause_type,
        cause_id=str(row.cause_id),
        amount_cents=int(row.amount_cents),
        balance_cents=int(row.balance_cents),
    )
    set_time(message.created_at, row.created_at)
    return message


def hold_message(row: Hold) -> ledger_pb2.Hold:
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
    set_time(message.expires_at, row.expires_at)
    set_time(message.created_at, row.created_at)
    return message


def _order_id(row: PostedEntry | StatementLine) -> str:
    return str(row.subject_id) if row.subject_kind == SubjectKind.ORDER else ""


def _owner(owner_id: uuid.UUID | str) -> str:
    return "" if str(owner_id) == str(NOBODY) else str(owner_id)
