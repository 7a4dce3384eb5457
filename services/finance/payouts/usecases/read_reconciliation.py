"""Read what comparing a bank's file with our payouts found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.finance.payouts.data import reconciliations

if TYPE_CHECKING:
    import uuid

    from meshkit.db.tx import Tx
    from services.finance.payouts.data.reconciliations import Reconciliation


def read_reconciliation(tx: Tx, *, report_id: uuid.UUID) -> Reconciliation:
    """Return a report. Raises NotFound."""
    report = reconciliations.find(tx, report_id)
    if report is None:
        raise NotFound
    return report
