"""Composition root of finance: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from datetime import timedelta

from marketmesh.finance.v1 import (
    cash_admin_service_pb2,
    cash_agent_service_pb2,
    earnings_service_pb2,
    finance_internal_service_pb2,
    ledger_admin_service_pb2,
    ledger_service_pb2,
    payout_batch_service_pb2,
    payout_service_pb2,
    reconciliation_service_pb2,
)
from meshkit.grpc.server import Servicer
from meshkit.jobs import Job
from meshkit.service import Parts, ServiceSpec, Wiring
from services.finance.cash.api.cash_admin_servicer import CashAdminServicer
from services.finance.cash.api.cash_agent_servicer import CashAgentServicer
from services.finance.ledger.api.ledger_admin_servicer import LedgerAdminServicer
from services.finance.ledger.api.ledger_servicer import LedgerServicer
from services.finance.ledger.usecases.expire_holds import expire_holds
from services.finance.ledger.usecases.snapshot_balances import snapshot_balances
from services.finance.payments.api.finance_internal_servicer import FinanceInternalServicer
from services.finance.payments.events import consumers
from services.finance.payouts.api.earnings_servicer import EarningsServicer
from services.finance.payouts.api.finance_admin_servicer import FinanceAdminServicer
from services.finance.payouts.api.payout_admin_servicer import PayoutAdminServicer
from services.finance.payouts.api.reconciliation_servicer import ReconciliationServicer
from services.finance.payouts.domain.payout import PayoutTerms
from services.finance.proofs.usecases.keep_proof import keep_proof
from services.finance.schema import metadata
from services.finance.settings import FinanceSettings


def wire(parts: Parts) -> Wiring:  # noqa: ARG001
    """Build finance from its settings and the chassis's parts."""
    settings = FinanceSettings()
    terms = PayoutTerms(
        settings.payout_minimum_cents, settings.payout_two_persons_above_cents, settings.payout_after_count
    )
    return Wiring(
        servicers=(
            Servicer(payout_service_pb2, FinanceAdminServicer(terms)),
            Servicer(finance_internal_service_pb2, FinanceInternalServicer()),
            Servicer(ledger_admin_service_pb2, LedgerAdminServicer()),
            Servicer(ledger_service_pb2, LedgerServicer()),
            Servicer(payout_batch_service_pb2, PayoutAdminServicer(terms)),
            Servicer(earnings_service_pb2, EarningsServicer()),
            Servicer(reconciliation_service_pb2, ReconciliationServicer()),
            Servicer(cash_agent_service_pb2, CashAgentServicer()),
            Servicer(cash_admin_service_pb2, CashAdminServicer(settings.cash_mismatch_two_persons_above_cents)),
        ),
        consumers=consumers(settings),
        jobs=(
            Job("expire_holds", timedelta(minutes=1), expire_holds),
            Job("snapshot_balances", timedelta(days=1), snapshot_balances),
            Job("prove_ledger", timedelta(days=1), keep_proof),
        ),
    )


SPEC = ServiceSpec(name="finance", metadata=metadata, database_settings=FinanceSettings, wire=wire)
