"""What other services and administrators do with the ledger."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from marketmesh.finance.v1 import (
    ledger_admin_service_pb2 as admin_messages,
)
from marketmesh.finance.v1 import (
    ledger_admin_service_pb2_grpc,
    ledger_pb2,
    ledger_service_pb2_grpc,
)
from marketmesh.finance.v1 import ledger_service_pb2 as messages

if TYPE_CHECKING:
    from tests.support.mesh_harness import MeshHarness

Kind = ledger_pb2.AccountKind.Value
Outcome = messages.BatchOutcome.Value


def account(kind: str, owner: str = "", currency: str = "USD") -> ledger_pb2.AccountName:
    """Return an account's name."""
    return ledger_pb2.AccountName(kind=Kind.Value(kind), owner_id=owner, currency=currency)


def entry(vendor: str, cents: int = 500, **changes: Any) -> messages.BatchEntry:
    """Return an entry by which we come to owe a vendor."""
    fields = {
        "key": uuid.uuid4().hex,
        "type": "adjustment",
        "cause_type": "manual",
        "cause_id": str(uuid.uuid4()),
        "postings": [
            messages.BatchPosting(account=account("cash_clearing"), amount_cents=cents),
            messages.BatchPosting(account=account("vendor_payable", vendor), amount_cents=-cents),
        ],
    }
    return messages.BatchEntry(**{**fields, **changes})


@dataclass
class Books:
    """The ledger, through its two services."""

    mesh: MeshHarness

    def __post_init__(self) -> None:
        self.service = self.mesh.stub(ledger_service_pb2_grpc.LedgerServiceStub, "finance")
        self.admin = self.mesh.stub(ledger_admin_service_pb2_grpc.LedgerAdminServiceStub, "finance")

    def post(self, *entries: messages.BatchEntry) -> list[messages.BatchResult]:
        """Post entries together."""
        request = messages.PostBatchRequest(entries=entries)
        answer = self.mesh.read(self.service.PostBatch, request, token=self.mesh.service_token("operator"))
        return list(answer.results)

    def owed(self, cents: int = 500) -> str:
        """Return the id of a vendor whom we owe something."""
        vendor = str(uuid.uuid4())
        (result,) = self.post(entry(vendor, cents))
        assert result.outcome == Outcome.posted
        return vendor

    def account_of(self, owner: str) -> ledger_pb2.LedgerAccount:
        """Return the only account of an owner."""
        (found,) = self.read("ListAccounts", owner_id=owner).items
        account: ledger_pb2.LedgerAccount = found
        return account

    def read(self, method: str, **fields: Any) -> Any:
        """Read as an administrator."""
        request = getattr(admin_messages, f"{method}Request")(**fields)
        return self.mesh.read(getattr(self.admin, method), request, token=self.mesh.admin_token())

    def write(self, method: str, **fields: Any) -> Any:
        """Write as an administrator."""
        request = getattr(admin_messages, f"{method}Request")(**fields)
        return self.mesh.write(getattr(self.admin, method), request, token=self.mesh.admin_token())

    def open_day(self) -> date:
        """Return a day long ago that is not closed yet; other tests post for today."""
        (row,) = self.mesh.rows("finance", "SELECT max(closed_through) AS day FROM period_closings")
        return (row.day or date(1990, 1, 1)) + timedelta(days=1)

    def hold(self, vendor: str, cents: int, *, key: str = "", expires_in_s: int = 60) -> ledger_pb2.Hold:
        """Keep part of what we owe a vendor back."""
        request = messages.PlaceHoldRequest(
            key=key or uuid.uuid4().hex,
            account=account("vendor_payable", vendor),
            amount_cents=cents,
            expires_in_s=expires_in_s,
            reason="test",
        )
        answer: ledger_pb2.Hold = self.mesh.read(
            self.service.PlaceHold, request, token=self.mesh.service_token("operator")
        )
        return answer

    def post_hold(self, hold_id: str, to: ledger_pb2.AccountName | None = None) -> ledger_pb2.Hold:
        """Move what a hold kept back."""
        request = messages.PostHoldRequest(hold_id=hold_id, to=to or account("cash_clearing"))
        answer: ledger_pb2.Hold = self.mesh.read(
            self.service.PostHold, request, token=self.mesh.service_token("operator")
        )
        return answer

    def void_hold(self, hold_id: str) -> ledger_pb2.Hold:
        """Let go of a hold."""
        request = messages.VoidHoldRequest(hold_id=hold_id)
        answer: ledger_pb2.Hold = self.mesh.read(
            self.service.VoidHold, request, token=self.mesh.service_token("operator")
        )
        return answer
