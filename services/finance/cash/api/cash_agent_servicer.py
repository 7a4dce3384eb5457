"""CashAgentService: what delivery agents do with the cash that they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import cash_agent_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.finance.cash.api import cash_mapping
from services.finance.cash.usecases.declare_hand_in import Declaration, declare_hand_in
from services.finance.cash.usecases.read_cash_report import read_cash_report
from services.finance.cash.usecases.read_hand_in import read_my_hand_in
from services.finance.cash.usecases.read_hand_ins import read_my_hand_ins
from services.finance.cash.usecases.read_held_cash import read_held_cash
from services.finance.cash.usecases.read_stations import read_stations

if TYPE_CHECKING:
    from marketmesh.finance.v1 import cash_pb2
    from meshkit.db.tx import Tx


class CashAgentServicer:
    """Translates; the rules are in the use cases."""

    def ListHeldCash(self, request: messages.ListHeldCashRequest, tx: Tx) -> messages.ListHeldCashResponse:
        page = Page.of(request)
        rows, following = read_held_cash(tx, page=page)
        return messages.ListHeldCashResponse(
            items=[cash_mapping.held_message(row) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def ListStations(
        self,
        request: cash_pb2.ListCashStationsRequest,  # noqa: ARG002
        tx: Tx,
    ) -> cash_pb2.ListCashStationsResponse:
        return cash_mapping.stations_message(read_stations(tx))

    def DeclareHandIn(self, request: messages.DeclareHandInRequest, tx: Tx) -> cash_pb2.HandIn:
        declaration = Declaration(
            station_id=parse_id(request.station_id, field="station_id"),
            currency=request.currency,
            items=[
                (parse_id(item.order_id, field=f"items[{number}].order_id"), item.declared_cents)
                for number, item in enumerate(request.items)
            ],
        )
        hand_in_id = declare_hand_in(tx, declaration)
        return cash_mapping.hand_in_message(*read_my_hand_in(tx, hand_in_id=hand_in_id))

    def ListMyHandIns(self, request: messages.ListMyHandInsRequest, tx: Tx) -> cash_pb2.ListHandInsResponse:
        page = Page.of(request)
        rows, following = read_my_hand_ins(tx, page=page)
        return cash_mapping.hand_ins_message(rows, page, following)

    def GetMyHandIn(self, request: messages.GetMyHandInRequest, tx: Tx) -> cash_pb2.HandIn:
        hand_in_id = parse_id(request.hand_in_id, field="hand_in_id")
        return cash_mapping.hand_in_message(*read_my_hand_in(tx, hand_in_id=hand_in_id))

    def GetMyCashReport(self, request: messages.GetMyCashReportRequest, tx: Tx) -> cash_pb2.CashReport:
        page = Page.of(request)
        report = read_cash_report(tx, day=request.day, agent_user_id=tx.principal.require_user, page=page)
        return cash_mapping.report_message(report, page)
