"""Counting what agents hand in, mismatches and their resolution, through the whole chain."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketmesh.finance.v1 import cash_admin_service_pb2 as messages
from marketmesh.finance.v1 import cash_pb2
from meshkit.cursor import Page
from meshkit.market_day import market_day
from meshkit.principal import Principal
from services.finance.errors import CashNotCounted
from services.finance.ledger.domain import subject
from services.finance.payouts.domain.payout import PayoutTerms
from services.finance.payouts.usecases.confirm_payout import confirm_payout
from services.finance.payouts.usecases.read_payouts import read_due_payouts
from services.finance.payouts.usecases.run_payouts import run_payouts
from services.finance.proofs.usecases.prove_money import prove_money
from tests.finance.cash_desk import COST, CashDesk, Status
from tests.support.mesh_harness import MeshHarness, Refused

# Above it somebody else than the counter resolves (the setting's default).
LARGE = 5_001


@pytest.fixture(autouse=True)
def proven(mesh: MeshHarness) -> Iterator[None]:
    """Look after every test that the books are true."""
    yield
    with mesh.transaction("finance") as tx:
        assert prove_money(tx) == []


def refused(call: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def open_mismatches(desk: CashDesk) -> list[cash_pb2.CashMismatch]:
    pages = desk.pages(lambda **page: desk.administer("ListMismatches", **page), limit=100)
    return [item for page in pages for item in page if item.agent_user_id == str(desk.agent)]


class TestCreateStation:
    def test_is_made_once_per_name(self, desk: CashDesk) -> None:
        name = uuid.uuid4().hex
        made = desk.administer("CreateStation", name=name)

        refusal = refused(lambda: desk.administer("CreateStation", name=name))

        assert (refusal.code, refusal.reason, refusal.metadata["field"]) == ("ALREADY_EXISTS", "CONFLICT", "name")
        shown = desk.mesh.read(
            desk.admins.ListStations, cash_pb2.ListCashStationsRequest(), token=desk.mesh.admin_token()
        )
        assert [item.station_id for item in shown.items if item.name == name] == [made.station_id]
        assert [row.after for row in desk.audited(made.station_id, "cash.create_station")] == [{"name": name}]


class TestCountHandIn:
    def test_moves_what_fits_from_the_agent_to_the_station(self, desk: CashDesk) -> None:
        orders = [desk.collected(), desk.collected()]
        hand_in = desk.declare(*orders)

        counted = desk.count(hand_in)

        assert (counted.status, counted.counted_cents) == (Status.matched, 2 * COST)
        assert counted.counted_by_user_id == str(desk.counter)
        assert (desk.held(), desk.at_station()) == (0, 2 * COST)
        for order in orders:
            assert [row for row in desk.payments.postings(order) if row[0] == "cash_handed_in"] == [
                ("cash_handed_in", "cash_clearing", desk.station, "USD", COST),
                ("cash_handed_in", "cash_in_transit", str(desk.agent), "USD", -COST),
            ]
            assert desk.payments.events(order) == ["cash_collected", "cash_handed_in"]
        (row,) = desk.audited(hand_in.hand_in_id, "cash.count")
        assert (row.actor_user_id, row.after["status"]) == (desk.counter, "matched")

    def test_blocks_the_payout_of_exactly_the_order_that_does_not_fit(self, desk: CashDesk) -> None:
        vendor = str(uuid.uuid4())
        orders = [desk.collected(vendor_store_id=vendor) for _ in range(3)]
        hand_in = desk.declare(*orders)
        wrong = hand_in.items[1].order_id

        counted = desk.count(hand_in, COST, COST - 1, COST)

        assert counted.status == Status.mismatched
        assert [bool(item.mismatch_id) for item in counted.items] == [False, True, False]
        mismatch_id = counted.items[1].mismatch_id
        refusal = refused(lambda: desk.payments.confirm(wrong))
        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CASH_MISMATCH_OPEN")
        assert (refusal.metadata["order_id"], refusal.metadata["mismatch_id"]) == (wrong, mismatch_id)
        (made,) = desk.payments.pay("RunPayouts", vendor_store_id=vendor).payouts
        paid = {item.order_id for item in desk.payments.pay("GetPayoutBatch", payout_id=made.payout_id).items}
        assert paid == {order.order_id for order in orders} - {wrong}
        (blocked,) = [order for order in orders if order.order_id == wrong]
        assert desk.payments.intent(blocked).status == "settled"
        assert desk.payments.events(blocked) == ["cash_collected", "cash_handed_in", "cash_mismatch_found"]

    def test_comes_before_the_payout_where_the_settings_say_so(self, mesh: MeshHarness, desk: CashDesk) -> None:
        order = desk.collected()
        order_id, page = uuid.UUID(order.order_id), Page(limit=100, after=None)
        terms, who = PayoutTerms(two_persons_above_cents=COST, counted_cash_only=True), Principal(user_id=desk.counter)

        def queue() -> set[uuid.UUID]:
            with mesh.transaction("finance") as tx:
                return {row.subject_id for row in read_due_payouts(tx, page=page, terms=terms)[0]}

        def pay() -> str:
            with mesh.transaction("finance", who) as tx:
                return str(confirm_payout(tx, subject.order(order_id), reference="r", terms=terms).status)

        with pytest.raises(CashNotCounted):
            pay()
        with mesh.transaction("finance", who) as tx:
            nothing = run_payouts(tx, vendor_store_id=uuid.UUID(order.vendor_store_id), reference="r", terms=terms)
        assert (nothing.payouts, order_id in queue()) == ([], False)
        desk.count(desk.declare(order), COST)

        assert order_id in queue()
        assert pay() == "paid"

    @pytest.mark.parametrize(
        ("declared", "counted"),
        [(COST, COST - 1), (COST, COST + 1), (COST, 0), (COST - 1, COST), (COST - 1, COST - 1)],
        ids=["missing", "too much", "nothing there", "declared wrong", "both wrong"],
    )
    def test_is_a_mismatch_unless_all_three_say_the_same(self, desk: CashDesk, declared: int, counted: int) -> None:
        order, mismatch_id = desk.mismatched(declared=declared, counted=counted)

        mismatch = desk.administer("GetMismatch", mismatch_id=mismatch_id)

        assert (mismatch.order_id, mismatch.collected_cents) == (order.order_id, COST)
        assert (mismatch.declared_cents, mismatch.counted_cents) == (declared, counted)
        assert mismatch.difference_cents == counted - COST
        # What was counted is at the station whatever it should have been; what is missing stays the agent's.
        assert (desk.at_station(), desk.held()) == (counted, COST - counted)

    def test_and_a_payout_run_take_turns(self, desk: CashDesk) -> None:
        vendor, start = str(uuid.uuid4()), threading.Barrier(2)
        orders = [desk.collected(vendor_store_id=vendor) for _ in range(4)]
        hand_in = desk.declare(*orders)

        def count() -> None:
            start.wait(10)
            desk.count(hand_in, *[COST - 1] * 4)

        def pay() -> int:
            start.wait(10)
            return sum(made.gross_cents for made in desk.payments.pay("RunPayouts", vendor_store_id=vendor).payouts)

        with ThreadPoolExecutor(2) as pool:
            counting, paying = pool.submit(count), pool.submit(pay)
            counting.result()
            paid = paying.result()

        # Whoever came second saw all of what the first did.
        assert paid in {0, 4 * COST}
        assert list(desk.payments.pay("RunPayouts", vendor_store_id=vendor).payouts) == []
        assert len(open_mismatches(desk)) == 4

    def test_keeps_a_waiting_payout_from_being_approved(self, desk: CashDesk) -> None:
        order = desk.payments.opened(total_cents=6_000_000)
        desk.payments.collect(order, agent_user_id=str(desk.agent))
        desk.payments.delivered(order)
        payout_id = desk.payments.confirm(order.order_id).payout_id
        hand_in = desk.declare(order, cents=6_000_000)
        mismatch_id = desk.count(hand_in, 5_999_999).items[0].mismatch_id

        refusal = refused(
            lambda: desk.payments.pay("ApprovePayout", payout_id=payout_id, admin=desk.mesh.admin_token())
        )

        assert (refusal.reason, refusal.metadata["mismatch_id"]) == ("CASH_MISMATCH_OPEN", mismatch_id)
        desk.resolve(mismatch_id)
        approved = desk.payments.pay("ApprovePayout", payout_id=payout_id, admin=desk.mesh.admin_token())
        assert approved.amount_cents == 6_000_000

    def test_is_not_done_by_the_agent(self, mesh: MeshHarness, desk: CashDesk) -> None:
        hand_in = desk.declare(desk.collected())

        refusal = refused(lambda: desk.count(hand_in, who=desk.agent))

        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CHECKER_MUST_DIFFER")
        assert refusal.metadata["caller_is"] == "agent"
        assert desk.held() == COST
        with pytest.raises(DBAPIError, match="cash_hand_ins_checker_check"), mesh.transaction("finance") as tx:
            tx.execute(
                text(
                    "UPDATE cash_hand_ins SET status = 'matched', counted_at = now(), counted_cents = 1,"
                    " counted_by_user_id = agent_user_id WHERE id = CAST(:id AS uuid)"
                ),
                {"id": hand_in.hand_in_id},
            )

    def test_is_done_once_under_calls_at_once(self, desk: CashDesk) -> None:
        hand_in, start = desk.declare(desk.collected(), desk.collected()), threading.Barrier(6)

        def count(number: int) -> str:
            start.wait(10)
            try:
                return desk.count(hand_in, *([COST, COST] if number % 2 else [COST, COST - 1])).hand_in_id
            except Refused as refusal:
                return f"{refusal.reason} {refusal.metadata['state'] in {'matched', 'mismatched'}}"

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(count, range(6)))

        assert answers.count("HAND_IN_STATE_INVALID True") == 5
        assert answers.count(hand_in.hand_in_id) == 1
        assert desk.held() + desk.at_station() == 2 * COST

    def test_replays_the_same_count(self, desk: CashDesk) -> None:
        hand_in, key = desk.declare(desk.collected()), uuid.uuid4().hex

        assert desk.count(hand_in, key=key) == desk.count(hand_in, key=key)
        assert desk.at_station() == COST

    @pytest.mark.parametrize("cents", [-1, 10**15 + 1, 2**63 - 1, -(2**63)])
    def test_refuses_sums_that_are_none(self, desk: CashDesk, cents: int) -> None:
        hand_in = desk.declare(desk.collected())

        refusal = refused(lambda: desk.count(hand_in, cents))

        assert [item.field for item in refusal.violations] == ["counts[0].counted_cents"]
        assert desk.held() == COST

    def test_refuses_a_count_without_a_sum(self, desk: CashDesk) -> None:
        hand_in = desk.declare(desk.collected())
        counts = [messages.CountedCash(order_id=hand_in.items[0].order_id)]

        with pytest.raises(Refused) as refused:
            desk.administer("CountHandIn", hand_in_id=hand_in.hand_in_id, currency="USD", counts=counts)

        assert [item.field for item in refused.value.violations] == ["counts[0].counted_cents"]
        assert desk.count(hand_in).items[0].mismatch_id == ""

    def test_needs_every_order_once_and_the_right_currency(self, desk: CashDesk) -> None:
        hand_in = desk.declare(desk.collected(), desk.collected())
        first, second = (messages.CountedCash(order_id=item.order_id, counted_cents=COST) for item in hand_in.items)
        stray = messages.CountedCash(order_id=str(uuid.uuid4()), counted_cents=COST)

        refusals = [refused(lambda counts=counts: desk.count(hand_in, counts=counts))
                    for counts in ([first], [first, second, second], [first, stray], [first, second, stray])]  # fmt: skip
        foreign = refused(lambda: desk.count(hand_in, currency="EUR"))

        assert [[item.field for item in refusal.violations] for refusal in refusals] == [["counts"]] * 4
        assert [item.field for item in foreign.violations] == ["currency"]
        assert desk.administer("GetHandIn", hand_in_id=hand_in.hand_in_id).status == Status.declared
        assert desk.held() == 2 * COST

    def test_knows_no_unknown_hand_in(self, desk: CashDesk) -> None:
        hand_in = desk.declare(desk.collected())

        assert refused(lambda: desk.count(hand_in, hand_in_id=str(uuid.uuid4()))).code == "NOT_FOUND"


class TestListHandIns:
    def test_pages_what_waits_oldest_first(self, mesh: MeshHarness, desk: CashDesk) -> None:
        made = []
        for _ in range(4):
            mesh.clock.advance(timedelta(seconds=1))
            made.append(desk.declare(desk.collected()))
        desk.count(made[1])

        pages = desk.pages(lambda **page: desk.administer("ListHandIns", status=Status.declared, **page), limit=2)

        mine = [item.hand_in_id for page in pages for item in page if item.agent_user_id == str(desk.agent)]
        assert mine == [made[number].hand_in_id for number in (0, 2, 3)]
        assert max(len(page) for page in pages) == 2
        every = desk.pages(lambda **page: desk.administer("ListHandIns", **page), limit=100)
        assert made[1].hand_in_id in [item.hand_in_id for page in every for item in page]


class TestListMismatches:
    def test_pages_open_ones_oldest_first_with_their_age(self, mesh: MeshHarness, desk: CashDesk) -> None:
        ids = []
        for _ in range(3):
            ids.append(desk.mismatched()[1])
            mesh.clock.advance(timedelta(hours=1))
        desk.resolve(ids[1])

        pages = desk.pages(lambda **page: desk.administer("ListMismatches", **page), limit=1)

        mine = [item for page in pages for item in page if item.agent_user_id == str(desk.agent)]
        assert [(item.mismatch_id, item.age_s) for item in mine] == [(ids[0], 3 * 3600), (ids[2], 3600)]
        assert {len(page) for page in pages} <= {1}


class TestResolveMismatch:
    def test_writes_a_loss_off_and_lets_the_order_be_paid_out(self, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched(counted=COST - 100)

        resolved = desk.resolve(mismatch_id, reason="torn note")

        assert (resolved.written_off_cents, resolved.recovered_cents, resolved.reason) == (100, 0, "torn note")
        assert resolved.resolved_by_user_id == str(desk.supervisor)
        assert desk.differences(order) == [100]
        assert (desk.held(), desk.at_station()) == (0, COST - 100)
        assert open_mismatches(desk) == []
        assert desk.payments.confirm(order.order_id).status == desk.payments.confirm(order.order_id).status
        assert desk.payments.intent(order).status == "paid"
        hand_in = desk.administer("GetHandIn", hand_in_id=resolved.hand_in_id)
        assert hand_in.status == Status.resolved
        (row,) = desk.audited(mismatch_id, "cash.resolve_mismatch")
        assert row.after == {"recovered_cents": 0, "written_off_cents": 100, "reason": "torn note"}
        assert desk.payments.events(order)[3] == "cash_mismatch_resolved"

    def test_writes_a_surplus_off(self, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched(counted=COST + 100)

        resolved = desk.resolve(mismatch_id)

        assert (resolved.written_off_cents, desk.differences(order)) == (-100, [-100])
        assert (desk.held(), desk.at_station()) == (0, COST + 100)

    def test_takes_what_was_found_and_writes_the_rest_off(self, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched(counted=COST - 100)

        resolved = desk.resolve(mismatch_id, recovered_cents=60)

        assert (resolved.recovered_cents, resolved.written_off_cents) == (60, 40)
        assert desk.differences(order) == [40]
        assert (desk.held(), desk.at_station()) == (0, COST - 40)

    def test_posts_nothing_when_only_the_declaration_was_wrong(self, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched(declared=COST - 1, counted=COST)

        desk.resolve(mismatch_id)

        assert desk.differences(order) == []
        assert (desk.held(), desk.at_station()) == (0, COST)

    def test_ends_the_hand_in_with_the_last_one(self, desk: CashDesk) -> None:
        hand_in = desk.declare(desk.collected(), desk.collected())
        counted = desk.count(hand_in, COST - 1, COST - 2)

        desk.resolve(counted.items[0].mismatch_id)
        between = desk.administer("GetHandIn", hand_in_id=hand_in.hand_in_id).status
        desk.resolve(counted.items[1].mismatch_id)

        assert between == Status.mismatched
        assert desk.administer("GetHandIn", hand_in_id=hand_in.hand_in_id).status == Status.resolved

    @pytest.mark.parametrize(
        ("missing", "who", "caller_is"),
        [
            (1, "agent", "agent"),
            (LARGE, "agent", "agent"),
            (LARGE, "counter", "counter"),
            (-LARGE, "counter", "counter"),
        ],
    )
    def test_is_done_by_somebody_else(self, desk: CashDesk, missing: int, who: str, caller_is: str) -> None:
        order, mismatch_id = desk.mismatched(counted=COST - missing)

        refusal = refused(lambda: desk.resolve(mismatch_id, who=getattr(desk, who)))

        assert (refusal.reason, refusal.metadata["caller_is"]) == ("CHECKER_MUST_DIFFER", caller_is)
        assert desk.differences(order) == []
        assert [item.mismatch_id for item in open_mismatches(desk)] == [mismatch_id]

    def test_may_be_done_by_the_counter_up_to_the_threshold(self, desk: CashDesk) -> None:
        _, mismatch_id = desk.mismatched(counted=COST - LARGE + 1)

        assert desk.resolve(mismatch_id, who=desk.counter).written_off_cents == LARGE - 1

    def test_is_done_once_under_calls_at_once(self, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched()
        start = threading.Barrier(6)

        def resolve(number: int) -> str:
            start.wait(10)
            try:
                return desk.resolve(mismatch_id, recovered_cents=number).mismatch_id
            except Refused as refusal:
                return refusal.reason

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(resolve, range(6)))

        assert answers.count("CASH_MISMATCH_RESOLVED") == 5
        assert desk.held() == 0
        assert len(desk.differences(order)) == 1

    def test_replays_the_same_resolution(self, desk: CashDesk) -> None:
        order, mismatch_id = desk.mismatched()
        key = uuid.uuid4().hex

        assert desk.resolve(mismatch_id, key=key) == desk.resolve(mismatch_id, key=key)
        assert desk.differences(order) == [100]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"recovered_cents": 101}, "recovered_cents"),
            ({"recovered_cents": None}, "recovered_cents"),
            ({"recovered_cents": -1}, "recovered_cents"),
            ({"recovered_cents": 2**63 - 1}, "recovered_cents"),
            ({"currency": "EUR"}, "currency"),
            ({"reason": ""}, "reason"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, desk: CashDesk, changes: dict[str, Any], field: str) -> None:
        _, mismatch_id = desk.mismatched()

        refusal = refused(lambda: desk.resolve(mismatch_id, **changes))

        assert [item.field for item in refusal.violations] == [field]
        assert [item.mismatch_id for item in open_mismatches(desk)] == [mismatch_id]

    def test_recovers_nothing_of_a_surplus(self, desk: CashDesk) -> None:
        _, mismatch_id = desk.mismatched(counted=COST + 5)

        refusal = refused(lambda: desk.resolve(mismatch_id, recovered_cents=1))

        assert [item.field for item in refusal.violations] == ["recovered_cents"]

    def test_knows_no_unknown_mismatch(self, desk: CashDesk) -> None:
        assert refused(lambda: desk.resolve(str(uuid.uuid4()))).code == "NOT_FOUND"
        assert refused(lambda: desk.administer("GetMismatch", mismatch_id=str(uuid.uuid4()))).code == "NOT_FOUND"


class TestCashReport:
    def test_tells_each_day_what_came_what_went_and_what_is_left(self, mesh: MeshHarness, desk: CashDesk) -> None:
        first_day = market_day(mesh.clock.now()).isoformat()
        desk.collected(currency="EUR")
        order = desk.collected()
        desk.collected()
        mismatch_id = desk.count(desk.declare(order), COST - 100).items[0].mismatch_id
        mesh.clock.advance(timedelta(days=1))
        second_day = market_day(mesh.clock.now()).isoformat()
        desk.resolve(mismatch_id)
        desk.collected()

        def day(when: str) -> dict[str, tuple[int, ...]]:
            report = desk.administer("GetCashReport", day=when, agent_user_id=str(desk.agent))
            assert report.day == when
            return {
                item.currency: (
                    item.opening_cents,
                    item.collected_cents,
                    item.handed_in_cents,
                    item.differences_cents,
                    item.held_cents,
                )
                for item in report.items
            }

        assert day(first_day) == {
            "USD": (0, 2 * COST, COST - 100, 0, COST + 100),
            "EUR": (0, COST, 0, 0, COST),
        }
        assert day(second_day) == {
            "USD": (COST + 100, COST, 0, 100, 2 * COST),
            "EUR": (COST, 0, 0, 0, COST),
        }
        mesh.clock.advance(timedelta(days=-1))

    def test_shows_an_agent_its_own_only(self, desk: CashDesk) -> None:
        desk.collected()
        desk.payments.collected()

        report = desk.carry("GetMyCashReport")

        assert [(item.agent_user_id, item.held_cents) for item in report.items] == [(str(desk.agent), COST)]

    def test_pages_all_agents_once(self, desk: CashDesk) -> None:
        desk.collected()
        for _ in range(2):
            desk.payments.collected()

        pages = desk.pages(lambda **page: desk.administer("GetCashReport", **page), limit=2)

        found = [(item.agent_user_id, item.currency) for page in pages for item in page]
        assert (str(desk.agent), "USD") in found
        assert len(found) == len(set(found))
        assert {len(page) for page in pages[:-1]} <= {2}

    @pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "2026-13"])
    def test_knows_what_a_day_is(self, desk: CashDesk, day: str) -> None:
        refusal = refused(lambda: desk.administer("GetCashReport", day=day))

        assert [item.field for item in refusal.violations] == ["day"]


class TestEveryMethod:
    @pytest.mark.parametrize("who", ["nobody", "store", "agent", "service"])
    def test_serves_administrators_only(self, mesh: MeshHarness, desk: CashDesk, who: str) -> None:
        hand_in = desk.declare(desk.collected())
        token = {
            "nobody": "",
            "store": mesh.store_token(uuid.uuid4()),
            "agent": mesh.agent_token(desk.agent),
            "service": mesh.service_token(),
        }[who]
        counts = [messages.CountedCash(order_id=hand_in.items[0].order_id, counted_cents=COST)]
        request = messages.CountHandInRequest(hand_in_id=hand_in.hand_in_id, currency="USD", counts=counts)

        refusal = refused(lambda: mesh.call(desk.admins.CountHandIn, request, token=token, key=uuid.uuid4().hex))

        assert refusal.code == "UNAUTHENTICATED"
        assert desk.held() == COST
