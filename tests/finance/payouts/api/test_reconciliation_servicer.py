"""A bank's file through the whole chain."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from typing import Any

import pytest

from marketmesh.finance.v1 import reconciliation_service_pb2 as messages
from marketmesh.finance.v1 import reconciliation_service_pb2_grpc
from meshkit.market_day import market_day, start_of
from tests.finance.paid_orders import Payments
from tests.support.mesh_harness import MeshHarness, Refused

Kind = messages.DifferenceKind.Value
HEADER = "amount,currency,reference,date\n"


def reconcile(mesh: MeshHarness, content: str, **changes: Any) -> messages.ReconciliationReport:
    stub = mesh.stub(reconciliation_service_pb2_grpc.ReconciliationServiceStub, "finance")
    today = market_day(mesh.clock.now()).isoformat()
    fields = {"file_name": "bank.csv", "content": content, "date_from": today, "date_to": today}
    request = messages.ReconcileFileRequest(**{**fields, **changes})
    answer: messages.ReconciliationReport = mesh.write(stub.ReconcileFile, request, token=mesh.admin_token())
    return answer


def reports(mesh: MeshHarness) -> int:
    return int(mesh.rows("finance", "SELECT count(*) AS n FROM reconciliations")[0].n)


class TestReconcileFile:
    def test_compares_payouts_with_lines_once_per_file(self, mesh: MeshHarness, payments: Payments) -> None:
        today = market_day(mesh.clock.now()).isoformat()
        right, wrong, absent = (payments.confirm(payments.due().order_id).payout_id for _ in range(3))
        stray = uuid.uuid4().hex
        content = f"{HEADER}12345,USD,{right},{today}\n12344,USD,{wrong},{today}\n7,USD,{stray},{today}\n"

        report = reconcile(mesh, content)
        later = payments.confirm(payments.due().order_id).payout_id
        again = reconcile(mesh, content, file_name="the same.csv")

        assert (report.lines, report.matched) == (3, 1)
        mine = {d.payout_id or d.reference: d for d in report.differences}
        assert right not in mine
        assert (mine[wrong].kind, mine[wrong].ours_cents, mine[wrong].theirs_cents) == (
            Kind.amount_differs,
            12_345,
            12_344,
        )
        assert (mine[stray].kind, mine[stray].line) == (Kind.missing_here, 4)
        assert mine[absent].kind == Kind.missing_there
        assert again == report
        assert later not in mine
        stub = mesh.stub(reconciliation_service_pb2_grpc.ReconciliationServiceStub, "finance")
        read = messages.GetReconciliationRequest(report_id=report.report_id)
        assert mesh.read(stub.GetReconciliation, read, token=mesh.admin_token()) == report

    def test_counts_an_evening_s_payout_for_the_evening(self, mesh: MeshHarness) -> None:
        """Nine in the evening where the market is is tomorrow in UTC."""
        evening = start_of(market_day(mesh.clock.now()) + timedelta(days=1)) + timedelta(hours=21)
        mesh.clock.advance(evening - mesh.clock.now())
        payments = Payments(mesh)
        payout = payments.confirm(payments.due().order_id).payout_id
        today = market_day(mesh.clock.now()).isoformat()

        report = reconcile(mesh, f"{HEADER}12345,USD,{payout},{today}\n", date_from=today, date_to=today)

        assert mesh.clock.now().astimezone(UTC).date().isoformat() != today
        assert (report.lines, report.matched) == (1, 1)
        assert payout not in {difference.payout_id for difference in report.differences}

    @pytest.mark.parametrize(
        ("content", "changes", "field"),
        [
            (f"{HEADER}1.5,USD,x,2026-03-02\n", {}, "content.line[2].amount"),
            ("a,b\n", {}, "content.line[1]"),
            (HEADER, {"date_from": "2026-02-30"}, "date_from"),
            (HEADER, {"date_from": "2000-01-01"}, "date_to"),
            (HEADER, {"date_to": "9999-12-31"}, "date_to"),
            (HEADER, {"date_to": "2000-01-01"}, "date_to"),
            (HEADER + "x" * 1_000_000, {}, "content"),
        ],
        ids=["fraction", "header", "no day", "too long", "future", "backwards", "too large"],
    )
    def test_names_what_is_wrong_and_keeps_nothing(
        self, mesh: MeshHarness, content: str, changes: dict[str, str], field: str
    ) -> None:
        before = reports(mesh)

        with pytest.raises(Refused) as refused:
            reconcile(mesh, content, **changes)

        assert [item.field for item in refused.value.violations] == [field]
        assert reports(mesh) == before
