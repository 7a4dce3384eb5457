"""Numbers of a window, for any orders in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshkit.errors import ValidationError
from services.analytics.reports.domain.kpis import Entry, Kpis, LineFact, OrderFact, PaymentFact, Point, compute_kpis
from services.analytics.reports.domain.windows import Window

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
    return compute_kpis(orders, payments, window=Window(end - timedelta(days=7), end))


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

        kpis = compute_kpis(orders, [], window=Window(start, end))

        if kpis.orders:
            assert -kpis.orders < 2 * (kpis.gmv_cents - kpis.aov_cents * kpis.orders) <= kpis.orders - 1 or (
                2 * (kpis.aov_cents * kpis.orders - kpis.gmv_cents) == kpis.orders
            )
        else:
            assert kpis.aov_cents == 0

    @pytest.mark.parametrize("payments", [(), (PaymentFact(END - timedelta(days=1), 2**63 - 1),) * 2])
    def test_says_that_a_sum_is_too_large_to_be_told(self, payments: tuple[PaymentFact, ...]) -> None:
        large = _order(END - timedelta(days=1), gross_cents=2**62 if not payments else 1)

        with pytest.raises(ValidationError) as refused:
            _week(large, large, payments=payments)

        assert [violation.field for violation in refused.value.violations] == ["from"]

    def test_tells_the_largest_sum_there_can_be(self) -> None:
        assert _week(_order(END - timedelta(days=1), gross_cents=2**63 - 1)).gmv_cents == 2**63 - 1


class TestSeries:
    @given(window=_windows())
    def test_holds_every_live_order_once_in_points_without_gap(
        self, window: tuple[datetime, datetime, list[OrderFact]]
    ) -> None:
        start, end, orders = window

        kpis = compute_kpis(orders, [], window=Window(start, end))

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
        week = compute_kpis([], [], window=Window(END - timedelta(days=7), END))
        month = compute_kpis([], [], window=Window(END - timedelta(days=30), END))

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

        kpis = compute_kpis([_order(late)], [], window=Window(END - timedelta(days=30), END))

        assert [point.start for point in kpis.series if point.orders] == [datetime(2026, 3, 14, 5, tzinfo=UTC)]


class TestTwentyOrders:
    """Numbers worked out by hand: orders 1 to 20, number n of n × 100 cents, every fifth rejected."""

    START, END = datetime(2026, 4, 1, 5, tzinfo=UTC), datetime(2026, 5, 1, 5, tzinfo=UTC)
    CATEGORIES = ("flower", "edible", "vape", "topical", "seed", "gear")

    @pytest.fixture
    def kpis(self) -> Kpis:
        payments = [PaymentFact(self.START, 100 * number) for number in (1, 2, 3)]
        return compute_kpis(
            [self.order(number) for number in range(1, 21)],
            payments,
            window=Window(self.START, self.END),
            known_customers={"buyer-1", "buyer-9"},
        )

    def order(self, number: int) -> OrderFact:
        line = LineFact(
            product_id=f"p{number % 6}",
            product_name=f"Product {number % 6}",
            category=self.CATEGORIES[number % 6],
            classification="indica" if number % 2 else "",
            total_cents=100 * number,
            status="accepted",
        )
        refused = LineFact("p0", "Product 0", "flower", "indica", 10**9, "rejected")
        return OrderFact(
            self.START + timedelta(days=number),
            "rejected" if number % 5 == 0 else "closed",
            100 * number,
            number,
            f"buyer-{number % 4}",
            f"7410{number % 7}",
            (line, refused),
        )

    def test_add_up(self, kpis: Kpis) -> None:
        # 1 + … + 20 = 210, less 5 + 10 + 15 + 20 = 50.
        assert (kpis.gmv_cents, kpis.orders, kpis.aov_cents) == (16_000, 16, 1_000)
        assert (kpis.gross_revenue_cents, kpis.discounts_cents) == (600, 160)

    def test_tell_new_from_returning_customers(self, kpis: Kpis) -> None:
        assert (kpis.new_customers, kpis.returning_customers) == (3, 1)

    def test_fill_a_day_each_and_leave_the_others_empty(self, kpis: Kpis) -> None:
        assert [point.orders for point in kpis.series] == [
            0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, *[0] * 9,
        ]  # fmt: skip
        assert [point.gross_cents for point in kpis.series[17:20]] == [1_700, 1_800, 1_900]

    def test_name_the_first_five(self, kpis: Kpis) -> None:
        # By n mod 6: 0: 6+12+18, 1: 1+7+13+19, 2: 2+8+14, 3: 3+9, 4: 4+16, 5: 11+17.
        sums = {0: 3_600, 1: 4_000, 2: 2_400, 3: 1_200, 4: 2_000, 5: 2_800}
        best = (1, 0, 5, 2, 4)
        assert kpis.top_products == tuple(Entry(f"p{n}", f"Product {n}", sums[n]) for n in best)
        assert kpis.top_categories == tuple(Entry(self.CATEGORIES[n], self.CATEGORIES[n], sums[n]) for n in best)
        # The odd ones: 1+3+7+9+11+13+17+19.
        assert kpis.top_classifications == (Entry("indica", "indica", 8_000),)
        # By n mod 7: 1: 1+8, 2: 2+9+16, 3: 3+17, 4: 4+11+18, 5: 12+19, 6: 6+13, 0: 7+14.
        assert [(entry.key, entry.revenue_cents) for entry in kpis.top_zips] == [
            ("74104", 3_300), ("74105", 3_100), ("74102", 2_700), ("74100", 2_100), ("74103", 2_000),
        ]  # fmt: skip

    def test_order_equals_by_key(self) -> None:
        orders = [OrderFact(self.START, "closed", 100, 0, "b", zip_code) for zip_code in ("3", "1", "2")]

        kpis = compute_kpis(orders, [], window=Window(self.START, self.END))

        assert [entry.key for entry in kpis.top_zips] == ["1", "2", "3"]
        assert (kpis.new_customers, kpis.returning_customers) == (0, 0)
