"""EarningsService: what a vendor earns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import earnings_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.finance.ledger.domain.subject import order
from services.finance.payouts.api import mapping
from services.finance.payouts.usecases.acknowledge_payout import acknowledge_payout
from services.finance.payouts.usecases.read_payouts import read_earnings

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


class EarningsServicer:
    """Translates; the rules are in the use cases."""

    def ListEarnings(self, request: messages.ListEarningsRequest, tx: Tx) -> messages.ListEarningsResponse:
        page = Page.of(request)
        found = read_earnings(tx, page=page)
        return messages.ListEarningsResponse(
            items=[mapping.earning_message(row) for row in found.rows],
            totals=[mapping.earning_totals_message(row) for row in found.totals],
            debts=[messages.VendorDebt(currency=debt.currency, amount_cents=int(debt.cents)) for debt in found.debts],
            next_cursor=found.following,
            pagination=page.pagination(found.following),
        )

    def ConfirmPaid(self, request: messages.ConfirmPaidRequest, tx: Tx) -> messages.ConfirmPaidResponse:
        order_id = parse_id(request.order_id, field="order_id")
        acknowledge_payout(tx, order(order_id), note=request.note)
        answer = messages.ConfirmPaidResponse(order_id=str(order_id))
        answer.acknowledged_at.FromDatetime(tx.now)
        return answer
