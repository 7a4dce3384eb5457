"""Rows of cash custody to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketmesh.finance.v1 import cash_agent_service_pb2, cash_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from meshkit.cursor import Page
    from services.finance.cash.data.cash import HandIn, HandInItem, Station
    from services.finance.cash.data.cash_mismatches import Mismatch
    from services.finance.cash.data.custodies import HeldCash
    from services.finance.cash.usecases.read_cash_report import CashDay


def station_message(row: Station) -> cash_pb2.CashStation:
    """Return a station."""
    message = cash_pb2.CashStation(station_id=str(row.id), name=row.name)
    message.created_at.FromDatetime(row.created_at)
    return message


def stations_message(rows: Sequence[Station]) -> cash_pb2.ListCashStationsResponse:
    """Return all stations."""
    return cash_pb2.ListCashStationsResponse(items=[station_message(row) for row in rows])


def hand_in_message(row: HandIn, items: Sequence[HandInItem] = ()) -> cash_pb2.HandIn:
    """Return a hand-in, with its orders if they are given."""
    message = cash_pb2.HandIn(
        hand_in_id=str(row.id),
        agent_user_id=str(row.agent_user_id),
        station_id=str(row.station_id),
        station_name=row.station_name,
        status=row.status,
        currency=row.currency,
        declared_cents=row.declared_cents,
        counted_cents=row.counted_cents,
        counted_by_user_id=str(row.counted_by_user_id or ""),
        items=[
            cash_pb2.HandInItem(
                order_id=str(item.order_id),
                order_number=item.order_number,
                collected_cents=item.collected_cents,
                declared_cents=item.declared_cents,
                counted_cents=item.counted_cents,
                mismatch_id=str(item.mismatch_id or ""),
            )
            for item in items
        ],
    )
    message.declared_at.FromDatetime(row.declared_at)
    if row.counted_at is not None:
        message.counted_at.FromDatetime(row.counted_at)
    return message


def hand_ins_message(rows: Sequence[HandIn], page: Page, following: str) -> cash_pb2.ListHandInsResponse:
    """Return a page of hand-ins."""
    return cash_pb2.ListHandInsResponse(
        items=[hand_in_message(row) for row in rows],
        next_cursor=following,
        pagination=page.pagination(following),
    )


def held_message(row: HeldCash) -> cash_agent_service_pb2.HeldCash:
    """Return an order whose cash an agent carries."""
    message = cash_agent_service_pb2.HeldCash(
        order_id=str(row.order_id),
        order_number=row.order_number,
        amount_cents=row.amount_cents,
        currency=row.currency,
    )
    message.cash_collected_at.FromDatetime(row.cash_collected_at)
    return message


def mismatch_message(row: Mismatch, *, now: datetime) -> cash_pb2.CashMismatch:
    """Return a mismatch with its age at an instant."""
    message = cash_pb2.CashMismatch(
        mismatch_id=str(row.id),
        hand_in_id=str(row.hand_in_id),
        order_id=str(row.order_id),
        order_number=row.order_number,
        agent_user_id=str(row.agent_user_id),
        station_id=str(row.station_id),
        station_name=row.station_name,
        currency=row.currency,
        collected_cents=row.collected_cents,
        declared_cents=row.declared_cents,
        counted_cents=row.counted_cents,
        difference_cents=row.counted_cents - row.collected_cents,
        counted_by_user_id=str(row.counted_by_user_id),
        age_s=max(int(((row.resolved_at or now) - row.found_at).total_seconds()), 0),
        resolved_by_user_id=str(row.resolved_by_user_id or ""),
        reason=row.reason,
        recovered_cents=row.recovered_cents,
        written_off_cents=row.written_off_cents,
    )
    message.found_at.FromDatetime(row.found_at)
    if row.resolved_at is not None:
        message.resolved_at.FromDatetime(row.resolved_at)
    return message


def report_message(report: CashDay, page: Page) -> cash_pb2.CashReport:
    """Return a day's report."""
    return cash_pb2.CashReport(
        day=report.day.isoformat(),
        items=[
            cash_pb2.AgentCash(
                agent_user_id=str(row.agent_user_id),
                currency=row.currency,
                opening_cents=int(row.opening),
                collected_cents=int(row.collected),
                handed_in_cents=int(row.handed_in),
                differences_cents=int(row.differences),
                other_cents=int(row.other),
                held_cents=int(row.held),
            )
            for row in report.rows
        ],
        next_cursor=report.following,
        pagination=page.pagination(report.following),
    )
