"""LedgerAdminService: the ledger as administrators read and correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import ledger_admin_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.finance.ledger.api import mapping
from services.finance.ledger.usecases.close_period import close_period
from services.finance.ledger.usecases.read_accounts import read_accounts
from services.finance.ledger.usecases.read_entries_of_cause import read_entries_of_cause
from services.finance.ledger.usecases.read_entry import read_entry
from services.finance.ledger.usecases.read_statement import read_statement
from services.finance.ledger.usecases.read_trial_balance import read_trial_balance
from services.finance.ledger.usecases.reverse_entry import reverse_entry

if TYPE_CHECKING:
    from marketmesh.finance.v1 import ledger_pb2
    from meshkit.db.tx import Tx


class LedgerAdminServicer:
    """Translates; the rules are in the use cases."""

    def GetTrialBalance(self, request: messages.GetTrialBalanceRequest, tx: Tx) -> messages.TrialBalance:  # noqa: ARG002
        trial = read_trial_balance(tx)
        answer = messages.TrialBalance(
            lines=[
                messages.TrialBalanceLine(
                    kind=line.kind,
                    currency=line.currency,
                    debits_cents=int(line.debits_cents),
                    credits_cents=int(line.credits_cents),
                    balance_cents=int(line.sum_cents),
                )
                for line in trial.lines
            ],
            totals=[
                messages.CurrencyTotal(currency=currency, sum_cents=cents)
                for currency, cents in sorted(trial.totals.items())
            ],
            closed_through=trial.closed_through.isoformat() if trial.closed_through else "",
        )
        if trial.proof is not None:
            answer.proved_at.FromDatetime(trial.proof.proved_at)
            answer.problems = len(trial.proof.problems)
        return answer

    def ListAccounts(self, request: messages.ListAccountsRequest, tx: Tx) -> messages.ListAccountsResponse:
        owner = parse_id(request.owner_id, field="owner_id") if request.owner_id else None
        return messages.ListAccountsResponse(
            items=[mapping.account_message(row) for row in read_accounts(tx, owner_id=owner)]
        )

    def GetStatement(self, request: messages.GetStatementRequest, tx: Tx) -> messages.Statement:
        page = Page.of(request)
        account_id = parse_id(request.account_id, field="account_id")
        account, rows, following = read_statement(tx, account_id=account_id, page=page)
        return messages.Statement(
            account=mapping.account_message(account),
            items=[mapping.statement_line(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def GetEntry(self, request: messages.GetEntryRequest, tx: Tx) -> ledger_pb2.LedgerEntry:
        return mapping.entry_message(read_entry(tx, entry_id=parse_id(request.entry_id, field="entry_id")))

    def ListEntries(self, request: messages.ListEntriesRequest, tx: Tx) -> messages.ListEntriesResponse:
        page = Page.of(request)
        cause_id = parse_id(request.cause_id, field="cause_id")
        rows, following = read_entries_of_cause(tx, cause_id=cause_id, page=page)
        return messages.ListEntriesResponse(
            items=[mapping.entry_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def ReverseEntry(self, request: messages.ReverseEntryRequest, tx: Tx) -> ledger_pb2.LedgerEntry:
        entry_id = parse_id(request.entry_id, field="entry_id")
        return mapping.entry_message(reverse_entry(tx, entry_id=entry_id, reason=request.reason))

    def ClosePeriod(self, request: messages.ClosePeriodRequest, tx: Tx) -> messages.ClosedPeriod:
        day = close_period(tx, closed_through=request.closed_through, reason=request.reason)
        answer = messages.ClosedPeriod(closed_through=day.isoformat())
        answer.closed_at.FromDatetime(tx.now)
        return answer
