"""Who waits for the minimum is in nobody's way, and whoever reaches it is paid, however many orders a run takes."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from meshkit.principal import Principal
from services.finance.payouts.domain.payout import PayoutTerms
from services.finance.payouts.usecases.run_payouts import Run, run_payouts
from tests.finance.paid_orders import Payments
from tests.support.mesh_harness import MeshHarness

_TERMS = PayoutTerms(minimum_cents=20_000, two_persons_above_cents=10**9)


@pytest.fixture(autouse=True)
def _alone(payments: Payments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is due from before, and a run takes two orders."""
    while payments.pay("RunPayouts", all_vendors=True).has_more:
        pass
    monkeypatch.setattr("services.finance.payouts.usecases.run_payouts.BATCH", 2)


def due(mesh: MeshHarness, payments: Payments, *cents: int) -> uuid.UUID:
    """Return a vendor to whom these orders are due, later deliveries than all before."""
    vendor = uuid.uuid4()
    for each in cents:
        due_of(mesh, payments, vendor, each)
    return vendor


def due_of(mesh: MeshHarness, payments: Payments, vendor: uuid.UUID, cents: int) -> str:
    mesh.clock.advance(timedelta(minutes=1))
    return payments.due(vendor_store_id=str(vendor), total_cents=cents).order_id


def run(mesh: MeshHarness, *, vendor: uuid.UUID | None = None, terms: PayoutTerms = _TERMS) -> Run:
    with mesh.transaction("finance", Principal(user_id=uuid.uuid4())) as tx:
        return run_payouts(tx, vendor_store_id=vendor, reference="", terms=terms)


def made(done: Run) -> list[tuple[uuid.UUID, int]]:
    return [(payout.vendor_store_id, payout.gross_cents - payout.netted_cents) for payout in done.payouts]


def skipped(done: Run) -> list[tuple[uuid.UUID, int]]:
    return [(share.vendor_store_id, int(share.amount_cents)) for share in done.skipped]


class TestRunPayouts:
    def test_reaches_whoever_has_the_minimum_behind_older_orders_of_who_has_not(
        self, mesh: MeshHarness, payments: Payments
    ) -> None:
        small = due(mesh, payments, 5_000, 6_000)
        large = due(mesh, payments, 20_000)

        done = run(mesh)

        assert (made(done), skipped(done), done.has_more) == ([(large, 20_000)], [(small, 11_000)], False)

    def test_counts_a_debt_against_the_minimum(self, mesh: MeshHarness, payments: Payments) -> None:
        owing = uuid.uuid4()
        first = due_of(mesh, payments, owing, 19_000)
        payments.confirm(first)
        payments.pay("RefundOrder", order_id=first, amount_cents=19_000, currency="USD", reason="late")
        for cents in (10_000, 11_000):
            due_of(mesh, payments, owing, cents)
        large = due(mesh, payments, 20_000)

        done = run(mesh)

        assert (made(done), skipped(done), done.has_more) == ([(large, 20_000)], [(owing, 2_000)], False)

    def test_pays_nobody_in_parts_that_are_too_small(self, mesh: MeshHarness, payments: Payments) -> None:
        vendors = [uuid.uuid4() for _ in range(3)]
        for cents in (3_000, 17_000):
            for vendor in vendors[:2]:
                due_of(mesh, payments, vendor, cents)
        due_of(mesh, payments, vendors[2], 20_000)

        runs = [run(mesh) for _ in range(3)]

        assert [made(done) for done in runs] == [[(vendor, 20_000)] for vendor in vendors]
        assert [done.has_more for done in runs] == [True, True, False]

    def test_pays_a_vendor_with_more_orders_than_a_run_takes(self, mesh: MeshHarness, payments: Payments) -> None:
        vendor = due(mesh, payments, 1_000, 2_000, 18_000, 500, 400)

        first, second = run(mesh, vendor=vendor), run(mesh, vendor=vendor)

        # What is left then is too small.
        assert (made(first), skipped(first), first.has_more) == ([(vendor, 3_000)], [(vendor, 18_900)], False)
        assert (made(second), skipped(second), second.has_more) == ([], [(vendor, 18_900)], False)

    def test_leaves_to_a_second_person_a_part_of_what_needs_one(self, mesh: MeshHarness, payments: Payments) -> None:
        terms = PayoutTerms(two_persons_above_cents=5_000)
        above, below = due(mesh, payments, 2_000, 2_000, 2_000), due(mesh, payments, 1_000, 1_000, 1_000)

        parts = [run(mesh, vendor=vendor, terms=terms).payouts[0] for vendor in (above, below)]

        assert [(part.gross_cents, part.status) for part in parts] == [(4_000, "awaiting_approval"), (2_000, "paid")]

    def test_says_that_there_is_more_only_if_another_run_pays_it(self, mesh: MeshHarness, payments: Payments) -> None:
        vendor = due(mesh, payments, 1_000, 2_000, 3_000, 4_000)

        runs = [run(mesh, terms=PayoutTerms(two_persons_above_cents=10**9)) for _ in range(2)]

        assert [made(done) for done in runs] == [[(vendor, 3_000)], [(vendor, 7_000)]]
        assert [done.has_more for done in runs] == [True, False]

    def test_closes_what_a_debt_takes_whole(self, mesh: MeshHarness, payments: Payments) -> None:
        owing = uuid.uuid4()
        first = due_of(mesh, payments, owing, 9_000)
        payments.confirm(first)
        payments.pay("RefundOrder", order_id=first, amount_cents=9_000, currency="USD", reason="late")
        due_of(mesh, payments, owing, 8_000)

        done = run(mesh)

        assert (made(done), skipped(done), done.has_more) == ([(owing, 0)], [], False)
        assert payments.balance("vendor_receivable", str(owing)) == 1_000

    def test_tells_of_as_many_left_out_as_it_takes_orders(self, mesh: MeshHarness, payments: Payments) -> None:
        small = [due(mesh, payments, 100 + n) for n in range(3)]

        done = run(mesh)

        assert skipped(done) == [(small[0], 100), (small[1], 101)]
        assert (list(done.payouts), done.has_more) == ([], False)
