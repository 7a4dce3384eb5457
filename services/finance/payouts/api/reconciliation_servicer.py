"""ReconciliationService: our payouts against a bank's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import reconciliation_service_pb2 as messages
from meshkit.ids import parse_id
from services.finance.payouts.usecases.read_reconciliation import read_reconciliation
from services.finance.payouts.usecases.reconcile_file import BankFile, reconcile_file

if TYPE_CHECKING:
    from meshkit.db.tx import Tx
    from services.finance.payouts.data.reconciliations import Reconciliation


class ReconciliationServicer:
    """Translates; the rules are in the use cases."""

    def ReconcileFile(self, request: messages.ReconcileFileRequest, tx: Tx) -> messages.ReconciliationReport:
        file = BankFile(request.file_name, request.content, request.date_from, request.date_to)
        return _report(reconcile_file(tx, file))

    def GetReconciliation(self, request: messages.GetReconciliationRequest, tx: Tx) -> messages.ReconciliationReport:
        return _report(read_reconciliation(tx, report_id=parse_id(request.report_id, field="report_id")))


def _report(row: Reconciliation) -> messages.ReconciliationReport:
    message = messages.ReconciliationReport(
        report_id=str(row.id),
        file_name=row.file_name,
        file_hash=row.file_hash,
        date_from=row.date_from.isoformat(),
        date_to=row.date_to.isoformat(),
        lines=row.lines,
        matched=row.matched,
        differences=[messages.Difference(**difference) for difference in row.differences],
    )
    message.created_at.FromDatetime(row.created_at)
    return message
