"""Numbers of a window, for any orders in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.domain.kpis import Kpis, OrderFact, PaymentFact, Point, compute_kpis

CHICAGO = ZoneInfo("America/Chicago")
END = datetime(2026, 3, 20, 18, 30, tzinfo=UTC)
_LIVE = ["created_pending", "accepted", "hold", "delivered", "closed"]
_VOID = ["rejected", "canceled", "expired"]
# Windows that end anywhere in a year, so that both changes of the clocks fall into some of them.
_ends = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
_days = st.sampled_from([7, 30, 90])


@st.composite
def _windows(draw: st.DrawFn) -> tuple[datetime, datetime, list[OrderFact]]:
    end = draw(_ends)
    start = end - timedelta(days=draw(_days))
    seconds = st.integers(min_value=0, max_value=int((end - start).total_seconds()) - 1)
    orders = st.builds(
        OrderFact,
        ordered_at=seconds.map(lambda offset: start + timedelta(seconds=offset)),
        status=st.sampled_from(_LIVE + _VOID),
        gross_cents=st.integers(min_value=0, max_value=10**12),
        discounts_cents=st.integers(min_value=0, max_value=10**9),
    )
    return start, end, draw(st.lists(orders, max_size=30))


def _order(ordered_at: datetime, gross_cents: int = 100, status: str = "accepted") -> OrderFact:
    return OrderFact(ordered_at, status, gross_cents, 7)


def _week(*orders: OrderFact, payments: tuple[PaymentFact, ...] = (), end: datetime = END) -> Kpis:
    return compute_kpis(orders, payments, start=end - timedelta(days=7), end=end)


class TestComputeKpis:
    def test_counts_orders_money_and_discounts(self) -> None:
        at = END - timedelta(hours=1)
        kpis = _week(
            _order(at, 1_000), _order(at, 2_001), payments=(PaymentFact(at, 700), PaymentFact(at, 42)), end=END
        )

        assert (kpis.gmv_cents, kpis.orders, kpis.aov_cents) == (3_001, 2, 1_501)
        assert (kpis.gross_revenue_cents, kpis.discounts_cents) == (742, 14)

    @pytest.mark.parametrize("status", _VOID)
    def test_leaves_out_orders_that_came_to_nothing(self, status: str) -> None:
        kpis = _week(_order(END - timedelta(hours=1), 1_000, status))

        assert (kpis.gmv_cents, kpis.orders, kpis.aov_cents, kpis.discounts_cents) == (0, 0, 0, 0)
        assert {point.orders for point in kpis.series} == {0}

    @given(window=_windows())
    def test_averages_half_up(self, window: tuple[datetime, datetime, list[OrderFact]]) -> None:
        start, end, orders = window

        kpis = compute_kpis(orders, [], start=start, end=end)

        if kpis.orders:
            assert -kpis.orders < 2 * (kpis.gmv_cents - kpis.aov_cents * kpis.orders) <= kpis.orders - 1 or (
                2 * (kpis.aov_cents * kpis.orders - kpis.gmv_cents) == kpis.orders
            )
        else:
            assert kpis.aov_cents == 0


class TestSeries:
    @given(window=_windows())
    def test_holds_every_live_order_once_in_points_without_gap(
        self, window: tuple[datetime, datetime, list[OrderFact]]
    ) -> None:
        start, end, orders = window

        kpis = compute_kpis(orders, [], start=start, end=end)

        starts = [point.start for point in kpis.series]
        assert sum(point.orders for point in kpis.series) == kpis.orders
        assert sum(point.gross_cents for point in kpis.series) == kpis.gmv_cents
        assert starts[0] <= start
        assert starts[-1] < end
        if end - start <= timedelta(days=7):
            assert {after - before for before, after in zip(starts, starts[1:], strict=False)} == {timedelta(hours=1)}
        else:
            local = [instant.astimezone(CHICAGO) for instant in starts]
            assert {(instant.hour, instant.minute) for instant in local} == {(0, 0)}
            days = [instant.date() for instant in local]
            assert {after - before for before, after in zip(days, days[1:], strict=False)} == {timedelta(days=1)}

    def test_shows_hours_of_a_week_and_days_of_a_month(self) -> None:
        week = compute_kpis([], [], start=END - timedelta(days=7), end=END)
        month = compute_kpis([], [], start=END - timedelta(days=30), end=END)

        assert (len(week.series), len(month.series)) == (169, 31)
        assert week.series[0] == Point(datetime(2026, 3, 13, 18, tzinfo=UTC), 0, 0)
        # Midnight in Chicago, before and after the clocks went forward on 8 March.
        assert month.series[0].start == datetime(2026, 2, 18, 6, tzinfo=UTC)
        assert month.series[-1].start == datetime(2026, 3, 20, 5, tzinfo=UTC)

    def test_keeps_the_hour_apart_that_the_clocks_show_twice(self) -> None:
        # 1 November 2026: 06:00 UTC is 01:00 in Chicago, and so is 07:00.
        first, second = (datetime(2026, 11, 1, hour, 20, tzinfo=UTC) for hour in (6, 7))
        end = datetime(2026, 11, 2, tzinfo=UTC)

        kpis = _week(_order(first, 100), _order(second, 900), end=end)

        assert [point for point in kpis.series if point.orders] == [
            Point(datetime(2026, 11, 1, 6, tzinfo=UTC), 100, 1),
            Point(datetime(2026, 11, 1, 7, tzinfo=UTC), 900, 1),
        ]

    def test_puts_a_late_evening_into_the_markets_day(self) -> None:
        late = datetime(2026, 3, 15, 4, 30, tzinfo=UTC)

        kpis = compute_kpis([_order(late)], [], start=END - timedelta(days=30), end=END)

        assert [point.start for point in kpis.series if point.orders] == [datetime(2026, 3, 14, 5, tzinfo=UTC)]
