"""CashAdminService: stations, counting, mismatches, the day's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.finance.v1 import cash_admin_service_pb2 as messages
from marketmesh.finance.v1 import cash_pb2
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.finance.cash.api import cash_mapping
from services.finance.cash.usecases.count_hand_in import Count, count_hand_in
from services.finance.cash.usecases.create_station import create_station
from services.finance.cash.usecases.read_cash_report import read_cash_report
from services.finance.cash.usecases.read_hand_in import read_hand_in
from services.finance.cash.usecases.read_hand_ins import read_hand_ins
from services.finance.cash.usecases.read_mismatch import read_mismatch
from services.finance.cash.usecases.read_mismatches import read_mismatches
from services.finance.cash.usecases.read_stations import read_stations
from services.finance.cash.usecases.resolve_mismatch import Resolution, resolve_mismatch

if TYPE_CHECKING:
    from meshkit.db.tx import Tx


@dataclass(frozen=True)
class CashAdminServicer:
    """Translates; the rules are in the use cases."""

    two_persons_above_cents: int

    def CreateStation(self, request: messages.CreateStationRequest, tx: Tx) -> cash_pb2.CashStation:
        return cash_mapping.station_message(create_station(tx, name=request.name))

    def ListStations(
        self,
        request: cash_pb2.ListCashStationsRequest,  # noqa: ARG002
        tx: Tx,
    ) -> cash_pb2.ListCashStationsResponse:
        return cash_mapping.stations_message(read_stations(tx))

    def ListHandIns(self, request: messages.ListHandInsRequest, tx: Tx) -> cash_pb2.ListHandInsResponse:
        page = Page.of(request)
        status = cash_pb2.HandInStatus.Value.Name(request.status) if request.status else ""
        rows, following = read_hand_ins(tx, status=status, page=page)
        return cash_mapping.hand_ins_message(rows, page, following)

    def GetHandIn(self, request: messages.GetHandInRequest, tx: Tx) -> cash_pb2.HandIn:
        hand_in_id = parse_id(request.hand_in_id, field="hand_in_id")
        return cash_mapping.hand_in_message(*read_hand_in(tx, hand_in_id=hand_in_id))

    def CountHandIn(self, request: messages.CountHandInRequest, tx: Tx) -> cash_pb2.HandIn:
        count = Count(
            hand_in_id=parse_id(request.hand_in_id, field="hand_in_id"),
            currency=request.currency,
            counts=[
                (parse_id(item.order_id, field=f"counts[{number}].order_id"), item.counted_cents)
                for number, item in enumerate(request.counts)
            ],
        )
        count_hand_in(tx, count)
        return cash_mapping.hand_in_message(*read_hand_in(tx, hand_in_id=count.hand_in_id))

    def ListMismatches(self, request: messages.ListMismatchesRequest, tx: Tx) -> messages.ListMismatchesResponse:
        page = Page.of(request)
        rows, following = read_mismatches(tx, page=page)
        return messages.ListMismatchesResponse(
            items=[cash_mapping.mismatch_message(row, now=tx.now) for row in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def GetMismatch(self, request: messages.GetMismatchRequest, tx: Tx) -> cash_pb2.CashMismatch:
        mismatch_id = parse_id(request.mismatch_id, field="mismatch_id")
        return cash_mapping.mismatch_message(read_mismatch(tx, mismatch_id=mismatch_id), now=tx.now)

    def ResolveMismatch(self, request: messages.ResolveMismatchRequest, tx: Tx) -> cash_pb2.CashMismatch:
        resolution = Resolution(
            mismatch_id=parse_id(request.mismatch_id, field="mismatch_id"),
            recovered_cents=request.recovered_cents,
            currency=request.currency,
            reason=request.reason,
        )
        resolved = resolve_mismatch(tx, resolution, two_persons_above_cents=self.two_persons_above_cents)
        return cash_mapping.mismatch_message(resolved, now=tx.now)

    def GetCashReport(self, request: messages.GetCashReportRequest, tx: Tx) -> cash_pb2.CashReport:
        page = Page.of(request)
        agent = parse_id(request.agent_user_id, field="agent_user_id") if request.agent_user_id else None
        report = read_cash_report(tx, day=request.day, agent_user_id=agent, page=page)
        return cash_mapping.report_message(report, page)
