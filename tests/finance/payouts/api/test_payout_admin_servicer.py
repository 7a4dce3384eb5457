"""Payouts as transfers, the second person, returns, holds and refunds through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import DBAPIError

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from marketmesh.finance.v1 import earnings_service_pb2, earnings_service_pb2_grpc, payment_pb2, payout_service_pb2
from marketmesh.finance.v1 import payout_batch_service_pb2 as messages
from meshkit.principal import Principal
from services.finance.errors import PayoutBelowMinimum
from services.finance.ledger.domain.subject import order
from services.finance.payments.usecases.open_intents import open_intents
from services.finance.payouts.data import payouts as payouts_sql
from services.finance.payouts.domain.payout import PayoutTerms
from services.finance.payouts.usecases.confirm_payout import confirm_payout
from services.finance.payouts.usecases.run_payouts import run_payouts
from services.finance.proofs.usecases.prove_money import prove_money
from tests.finance.paid_orders import Payments
from tests.finance.snapshots import order_snapshot
from tests.support.mesh_harness import MeshHarness, Refused
from tests.support.statements import recorded_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce

Status = messages.PayoutStatus.Value
LARGE = 5_000_001


@pytest.fixture(autouse=True)
def proven(mesh: MeshHarness) -> Iterator[None]:
    """Look after every test that the books are true."""
    yield
    with mesh.transaction("finance") as tx:
        assert prove_money(tx) == []


@pytest.fixture
def vendor() -> str:
    """Return the id of a vendor of this test's own."""
    return str(uuid.uuid4())


def due_with_fee(mesh: MeshHarness, payments: Payments, vendor: str) -> commerce.OrderSnapshot:
    """Return a due order of 123.45 with a fee of ten percent, 12.35."""
    order = order_snapshot(vendor_store_id=vendor)
    with mesh.transaction("finance") as tx:
        open_intents(tx, [order], fee_basis_points=1_000)
    payments.collect(order)
    return payments.delivered(order)


def refund(payments: Payments, order: commerce.OrderSnapshot, cents: int, **changes: Any) -> payment_pb2.PaymentIntent:
    fields = {"order_id": order.order_id, "amount_cents": cents, "currency": "USD", "reason": "broken"}
    answer: payment_pb2.PaymentIntent = payments.pay("RefundOrder", **{**fields, **changes})
    return answer


def waiting(payments: Payments, vendor: str) -> tuple[commerce.OrderSnapshot, str]:
    """Ask for a payout that is too large for one person; returns the order and the payout's id."""
    order = payments.due(vendor_store_id=vendor, total_cents=LARGE)
    intent = payments.confirm(order.order_id, reference="first")
    assert payment_pb2.IntentStatus.Value.Name(intent.status) == "settled"
    return order, intent.payout_id


class TestRunPayouts:
    def test_pays_all_due_orders_of_a_vendor_together(self, payments: Payments, vendor: str) -> None:
        orders = [payments.due(vendor_store_id=vendor) for _ in range(3)]
        other = payments.due()

        (made,) = payments.pay("RunPayouts", vendor_store_id=vendor, reference="run 1").payouts

        assert (made.status, made.gross_cents, made.amount_cents) == (Status.paid, 37_035, 37_035)
        found = payments.pay("GetPayoutBatch", payout_id=made.payout_id)
        assert {item.order_id for item in found.items} == {order.order_id for order in orders}
        assert [decision.decision for decision in found.decisions] == ["request"]
        assert {payments.intent(order).status for order in orders} == {"paid"}
        assert payments.intent(other).status == "settled"
        assert payments.balance("vendor_payable", vendor) == 0
        assert [payments.events(order)[-1] for order in orders] == ["order_paid"] * 3
        assert list(payments.pay("RunPayouts", vendor_store_id=vendor).payouts) == []

    def test_pays_all_vendors_one_payout_each_and_currency(self, payments: Payments) -> None:
        vendors = sorted(str(uuid.uuid4()) for _ in range(2))
        for vendor in vendors:
            payments.due(vendor_store_id=vendor)
            payments.due(vendor_store_id=vendor, currency="EUR")

        made = payments.pay("RunPayouts", all_vendors=True).payouts

        mine = sorted((item.vendor_store_id, item.currency) for item in made if item.vendor_store_id in vendors)
        assert mine == [(vendor, currency) for vendor in vendors for currency in ("EUR", "USD")]

    def test_runs_as_many_statements_for_many_vendors_as_for_one(self, mesh: MeshHarness, payments: Payments) -> None:
        def statements_of(vendors: int) -> int:
            payments.pay("RunPayouts", all_vendors=True)
            for _ in range(vendors):
                payments.due(vendor_store_id=str(uuid.uuid4()))
            with recorded_statements(mesh.process("finance").database) as sessions:
                assert len(payments.pay("RunPayouts", all_vendors=True).payouts) == vendors
            (run,) = [each for each in sessions if any("INSERT INTO payouts" in text for text in each)]
            return len(run)

        assert statements_of(1) == statements_of(3)

    @pytest.mark.parametrize("both", [False, True])
    def test_pays_nobody_before_it_is_said_whom(self, payments: Payments, vendor: str, *, both: bool) -> None:
        order = payments.due(vendor_store_id=vendor)

        with pytest.raises(Refused) as refused:
            payments.pay("RunPayouts", reference="x", vendor_store_id=vendor if both else "", all_vendors=both)

        assert [item.field for item in refused.value.violations] == ["vendor_store_id"]
        assert payments.intent(order).status == "settled"
        assert len(payments.pay("RunPayouts", vendor_store_id=vendor).payouts) == 1

    def test_pays_once_under_runs_at_once(self, payments: Payments, vendor: str) -> None:
        orders, start = [payments.due(vendor_store_id=vendor) for _ in range(4)], threading.Barrier(5)

        def run(_: int) -> list[int]:
            start.wait(10)
            return [made.gross_cents for made in payments.pay("RunPayouts", vendor_store_id=vendor).payouts]

        with ThreadPoolExecutor(5) as pool:
            made = [cents for cents in pool.map(run, range(5)) if cents]

        assert made == [[4 * 12_345]]
        assert all(payments.events(order).count("order_paid") == 1 for order in orders)

    def test_leaves_small_sums_until_there_is_more(self, mesh: MeshHarness, payments: Payments, vendor: str) -> None:
        terms, who = PayoutTerms(minimum_cents=20_000, two_persons_above_cents=LARGE), Principal(user_id=uuid.uuid4())
        first = payments.due(vendor_store_id=vendor)

        with mesh.transaction("finance", who) as tx:
            run = run_payouts(tx, vendor_store_id=uuid.UUID(vendor), reference="", terms=terms)
        with pytest.raises(PayoutBelowMinimum), mesh.transaction("finance", who) as tx:
            confirm_payout(tx, order(uuid.UUID(first.order_id)), reference="", terms=terms)

        assert (run.payouts, [share.amount_cents for share in run.skipped]) == ([], [12_345])
        assert payments.intent(first).status == "settled"
        payments.due(vendor_store_id=vendor)
        with mesh.transaction("finance", who) as tx:
            assert len(run_payouts(tx, vendor_store_id=uuid.UUID(vendor), reference="", terms=terms).payouts) == 1

    def test_pages_payouts_newest_first(self, payments: Payments, vendor: str) -> None:
        for _ in range(3):
            payments.due(vendor_store_id=vendor)
            payments.pay("RunPayouts", vendor_store_id=vendor)

        seen, cursor = [], ""
        while True:
            page = payments.pay("ListPayoutBatches", limit=2, cursor=cursor, status=Status.paid)
            seen += [item.payout_id for item in page.items]
            cursor = page.next_cursor
            if not cursor:
                break

        assert len(seen) == len(set(seen)) >= 3


class TestTwoPersons:
    def test_a_large_payout_waits_for_somebody_else(self, mesh: MeshHarness, payments: Payments, vendor: str) -> None:
        order, payout_id = waiting(payments, vendor)
        before = payments.postings(order)

        with pytest.raises(Refused) as refused:
            payments.pay("ApprovePayout", payout_id=payout_id)

        assert refused.value.reason == "APPROVER_MUST_DIFFER"
        assert payments.postings(order) == before
        approved = payments.pay("ApprovePayout", payout_id=payout_id, admin=mesh.admin_token(), reference="bank")
        assert (approved.status, approved.reference) == (Status.paid, "bank")
        assert [decision.decision for decision in approved.decisions] == ["request", "approve"]
        assert payments.intent(order).status == "paid"

    @pytest.mark.parametrize(
        ("method", "fields", "decision"),
        [("ApprovePayout", {"reference": "bank"}, "approve"), ("RejectPayout", {"reason": "x"}, "reject")],
    )
    def test_tells_that_it_waits_and_what_became_of_it(
        self, mesh: MeshHarness, payments: Payments, vendor: str, method: str, fields: dict[str, str], decision: str
    ) -> None:
        _, payout_id = waiting(payments, vendor)

        payments.pay(method, payout_id=payout_id, admin=mesh.admin_token(), **fields)

        told = [
            event
            for event in mesh.events("finance")
            if getattr(event, "payout_id", "") == payout_id and not isinstance(event, events.PayoutReturned)
        ]
        assert [type(event) for event in told] == [events.PayoutRequested, events.PayoutDecided]
        requested, decided = told
        assert (requested.vendor_store_id, requested.order_count) == (vendor, 1)
        assert (decided.decision, decided.reason) == (decision, next(iter(fields.values())))
        assert requested.amount_cents == decided.amount_cents > 0

    def test_is_kept_by_the_database_as_well(self, mesh: MeshHarness, payments: Payments, vendor: str) -> None:
        _, payout_id = waiting(payments, vendor)
        (row,) = mesh.rows(
            "finance", "SELECT requested_by_user_id AS id FROM payouts WHERE id = CAST(:id AS uuid)", id=payout_id
        )

        with (
            pytest.raises(DBAPIError, match="somebody else"),
            mesh.transaction("finance", Principal(user_id=row.id)) as tx,
        ):
            payouts_sql.decide(tx, uuid.UUID(payout_id), decision="approve", reason="")

    def test_a_waiting_order_is_neither_due_nor_refunded_nor_held(self, payments: Payments, vendor: str) -> None:
        order, payout_id = waiting(payments, vendor)

        again = payments.confirm(order.order_id)

        assert again.payout_id == payout_id
        assert list(payments.pay("RunPayouts", vendor_store_id=vendor).payouts) == []
        for act in (
            lambda: refund(payments, order, 1),
            lambda: payments.pay("HoldPayout", order_id=order.order_id, reason="x"),
        ):
            with pytest.raises(Refused) as refused:
                act()
            assert (refused.value.reason, refused.value.metadata["state"]) == (
                "PAYOUT_STATE_INVALID",
                "awaiting_approval",
            )
        assert payments.intent(order).refunded_cents == 0

    def test_a_rejected_one_gives_its_orders_back(self, payments: Payments, vendor: str) -> None:
        order, payout_id = waiting(payments, vendor)

        rejected = payments.pay("RejectPayout", payout_id=payout_id, reason="wrong account")

        assert rejected.status == Status.rejected
        assert payments.intent(order).payout_id is None
        assert payments.confirm(order.order_id).payout_id not in {"", payout_id}

    def test_is_decided_once_under_calls_at_once(self, mesh: MeshHarness, payments: Payments, vendor: str) -> None:
        order, payout_id = waiting(payments, vendor)
        start = threading.Barrier(4)

        def approve(_: int) -> bool:
            start.wait(10)
            try:
                payments.pay("ApprovePayout", payout_id=payout_id, admin=mesh.admin_token())
            except Refused as refusal:
                assert refusal.reason == "PAYOUT_STATE_INVALID"  # noqa: PT017
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(approve, range(4))) == 1
        assert payments.events(order).count("order_paid") == 1


class TestEveryState:
    @pytest.mark.parametrize("method", ["ApprovePayout", "RejectPayout", "ReturnPayout"])
    @pytest.mark.parametrize("state", ["awaiting_approval", "paid", "rejected", "returned"])
    def test_allows_what_the_table_says(
        self, mesh: MeshHarness, payments: Payments, vendor: str, state: str, method: str
    ) -> None:
        order, payout_id = waiting(payments, vendor)
        second = mesh.admin_token()
        if state in {"paid", "returned"}:
            payments.pay("ApprovePayout", payout_id=payout_id, admin=second)
        if state == "returned":
            payments.pay("ReturnPayout", payout_id=payout_id, reason="x")
        if state == "rejected":
            payments.pay("RejectPayout", payout_id=payout_id, reason="x")
        fields = {} if method == "ApprovePayout" else {"reason": "x"}
        before = payments.postings(order)

        allowed = (state, method) in {
            ("awaiting_approval", "ApprovePayout"),
            ("awaiting_approval", "RejectPayout"),
            ("paid", "ReturnPayout"),
        }
        if allowed:
            payments.pay(method, payout_id=payout_id, admin=second, **fields)
            return
        with pytest.raises(Refused) as refused:
            payments.pay(method, payout_id=payout_id, admin=second, **fields)
        assert (refused.value.reason, refused.value.metadata["state"]) == ("PAYOUT_STATE_INVALID", state)
        assert payments.postings(order) == before


class TestReturnPayout:
    def test_restores_the_balance_and_can_be_paid_again(self, payments: Payments, vendor: str) -> None:
        order = payments.due(vendor_store_id=vendor)
        payout_id = payments.confirm(order.order_id).payout_id

        returned = payments.pay("ReturnPayout", payout_id=payout_id, reason="account closed")

        assert returned.status == Status.returned
        assert payments.balance("vendor_payable", vendor) == -12_345
        assert payments.intent(order).status == "settled"
        assert payments.events(order)[-1] == "payout_returned"
        paid = payments.confirm(order.order_id)
        assert paid.payout_id != payout_id
        assert payments.balance("vendor_payable", vendor) == 0
        # Whoever followed the return hears of the second payout too.
        assert payments.events(order)[-3:] == ["order_paid", "payout_returned", "order_paid"]

    def test_and_payouts_are_in_order_by_their_instants_whenever_their_calls_began(
        self, payments: Payments, vendor: str
    ) -> None:
        # As a call that waited for the lock longer than the one before it: commerce compares the instants.
        order, clock = payments.due(vendor_store_id=vendor), payments.mesh.clock
        payout_id = payments.confirm(order.order_id).payout_id
        for _ in range(2):
            clock.advance(timedelta(seconds=-1))
            payments.pay("ReturnPayout", payout_id=payout_id, reason="account closed")
            clock.advance(timedelta(seconds=-1))
            payout_id = payments.confirm(order.order_id).payout_id
        clock.advance(timedelta(seconds=4))

        paid = payments.mesh.events("finance", events.OrderPaid)
        returned = payments.mesh.events("finance", events.PayoutReturned)
        told = [event.vendor_paid_at.ToDatetime() for event in paid if event.order_id == order.order_id]
        told += [event.returned_at.ToDatetime() for event in returned if event.order_id == order.order_id]
        assert [moment - min(told) for moment in told] == [timedelta(microseconds=number) for number in (0, 2, 4, 1, 3)]
        row = payments.intent(order)
        assert (row.vendor_paid_at - row.payout_returned_at) == timedelta(microseconds=1)


class TestHoldPayout:
    def test_keeps_an_order_out_until_it_is_released(self, payments: Payments, vendor: str) -> None:
        order = payments.due(vendor_store_id=vendor)
        held = payments.pay("HoldPayout", order_id=order.order_id, reason="fraud?")

        assert held.payout_hold_reason == "fraud?"
        assert list(payments.pay("RunPayouts", vendor_store_id=vendor).payouts) == []
        with pytest.raises(Refused) as refused:
            payments.confirm(order.order_id)
        assert (refused.value.reason, refused.value.metadata["hold_reason"]) == ("PAYOUT_HELD", "fraud?")
        assert payments.intent(order).status == "settled"

        payments.pay("ReleasePayout", order_id=order.order_id, reason="it was not")
        assert payments.events(order)[-2:] == ["payout_held", "payout_released"]
        assert payments.confirm(order.order_id).status == payment_pb2.IntentStatus.Value.paid
        assert payments.audited(order, "payout.release")[0].after == {"hold_reason": "", "reason": "it was not"}

    def test_with_another_reason_is_no_news_to_the_vendor(self, payments: Payments, vendor: str) -> None:
        order = payments.due(vendor_store_id=vendor)

        for reason in ("fraud?", "fraud!"):
            payments.pay("HoldPayout", order_id=order.order_id, reason=reason)

        assert payments.events(order).count("payout_held") == 1
        assert payments.intent(order).hold_reason == "fraud!"

    def test_refuses_what_makes_no_sense(self, payments: Payments, vendor: str) -> None:
        order = payments.due(vendor_store_id=vendor)
        with pytest.raises(Refused) as refused:
            payments.pay("ReleasePayout", order_id=order.order_id, reason="x")
        assert refused.value.metadata["state"] == "not_held"
        payments.confirm(order.order_id)
        with pytest.raises(Refused) as refused:
            payments.pay("HoldPayout", order_id=order.order_id, reason="x")
        assert refused.value.reason == "PAYOUT_NOT_DUE"


class TestRefundOrder:
    def test_before_the_payout_is_borne_by_vendor_and_platform(
        self, mesh: MeshHarness, payments: Payments, vendor: str
    ) -> None:
        order = due_with_fee(mesh, payments, vendor)

        intent = refund(payments, order, 1_005)

        assert (intent.refunded_cents, intent.refunded_fee_cents) == (1_005, 101)
        assert payments.balance("refund_payable", order.buyer_store_id) == -1_005
        assert payments.balance("vendor_payable", vendor) == -(11_110 - 904)
        payments.confirm(order.order_id)
        assert payments.balance("vendor_payable", vendor) == 0
        assert payments.events(order) == ["cash_collected", "payment_refunded", "order_paid"]

    def test_after_the_payout_is_netted_by_the_next_one(
        self, mesh: MeshHarness, payments: Payments, vendor: str
    ) -> None:
        first = due_with_fee(mesh, payments, vendor)
        payments.confirm(first.order_id)
        refund(payments, first, 12_345)
        assert payments.balance("vendor_receivable", vendor) == 11_110
        second = payments.due(vendor_store_id=vendor)

        (made,) = payments.pay("RunPayouts", vendor_store_id=vendor).payouts

        assert (made.gross_cents, made.netted_cents, made.amount_cents) == (12_345, 11_110, 1_235)
        assert payments.balance("vendor_receivable", vendor) == 0
        assert payments.intent(second).status == "paid"

    def test_a_debt_that_is_larger_than_the_payout_stays(self, payments: Payments, vendor: str) -> None:
        first = payments.due(vendor_store_id=vendor, total_cents=20_000)
        payments.confirm(first.order_id)
        refund(payments, first, 20_000)
        payments.due(vendor_store_id=vendor)

        (made,) = payments.pay("RunPayouts", vendor_store_id=vendor).payouts
        assert (made.netted_cents, made.amount_cents) == (12_345, 0)
        assert payments.balance("vendor_receivable", vendor) == 7_655

        payments.pay("ReturnPayout", payout_id=made.payout_id, reason="x")
        assert payments.balance("vendor_receivable", vendor) == 20_000

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount_cents": 0}, "amount_cents"),
            ({"amount_cents": -1}, "amount_cents"),
            ({"amount_cents": 2**63 - 1}, "amount_cents"),
            ({"currency": "EUR"}, "currency"),
            ({"currency": "usd"}, "currency"),
            ({"reason": ""}, "reason"),
        ],
    )
    def test_refuses_bad_input(self, payments: Payments, vendor: str, changes: dict[str, Any], field: str) -> None:
        order = payments.due(vendor_store_id=vendor)

        with pytest.raises(Refused) as refused:
            refund(payments, order, 5, **changes)

        assert [item.field for item in refused.value.violations] == [field]
        assert payments.intent(order).refunded_cents == 0

    def test_never_gives_back_more_than_was_collected(self, payments: Payments, vendor: str) -> None:
        order, start = payments.due(vendor_store_id=vendor), threading.Barrier(4)
        unpaid = payments.opened()

        def give(_: int) -> bool:
            start.wait(10)
            try:
                refund(payments, order, 5_000)
            except Refused as refusal:
                assert refusal.reason == "REFUND_TOO_LARGE"  # noqa: PT017
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(give, range(4))) == 2
        assert payments.intent(order).refunded_cents == 10_000
        with pytest.raises(Refused) as refused:
            refund(payments, unpaid, 1)
        assert refused.value.metadata["refundable_cents"] == "0"
        assert refused.value.metadata["payment_status"] == "unpaid"


class TestGetPayout:
    def test_shows_one_order_of_the_queue(self, mesh: MeshHarness, payments: Payments, vendor: str) -> None:
        order = due_with_fee(mesh, payments, vendor)
        request = payout_service_pb2.GetPayoutRequest(order_id=order.order_id)

        found = mesh.read(payments.admin.GetPayout, request, token=mesh.admin_token())

        assert (found.payout.amount_cents, found.payment.fee_cents) == (11_110, 1_235)

    def test_refuses_every_other_state(self, mesh: MeshHarness, payments: Payments) -> None:
        paid = payments.due()
        payments.confirm(paid.order_id)

        for each in (payments.opened(), payments.collected(), payments.failed(), paid):
            request = payout_service_pb2.GetPayoutRequest(order_id=each.order_id)
            with pytest.raises(Refused) as refused:
                mesh.read(payments.admin.GetPayout, request, token=mesh.admin_token())
            assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "PAYOUT_NOT_DUE")


class TestEarnings:
    def test_show_fee_and_net_of_the_vendors_own_orders(
        self, mesh: MeshHarness, payments: Payments, vendor: str
    ) -> None:
        stub = mesh.stub(earnings_service_pb2_grpc.EarningsServiceStub, "finance")
        order = due_with_fee(mesh, payments, vendor)
        payments.confirm(order.order_id)
        refund(payments, order, 1_005)
        payments.due()

        token = mesh.store_token(vendor, store_type="vendor")
        found = mesh.read(stub.ListEarnings, earnings_service_pb2.ListEarningsRequest(), token=token)

        (item,) = found.items
        assert (item.order_id, item.amount_cents, item.fee_cents) == (order.order_id, 12_345, 1_235)
        assert (item.refunded_cents, item.refunded_fee_cents, item.net_cents) == (1_005, 101, 10_206)
        assert [(debt.currency, debt.amount_cents) for debt in found.debts] == [("USD", 904)]

    def test_have_totals_over_all_pages_and_nothing_of_what_came_to_nothing(
        self, mesh: MeshHarness, payments: Payments, vendor: str
    ) -> None:
        stub = mesh.stub(earnings_service_pb2_grpc.EarningsServiceStub, "finance")
        paid, due, waiting = (
            payments.due(vendor_store_id=vendor),
            payments.due(vendor_store_id=vendor),
            payments.opened(vendor_store_id=vendor),
        )
        payments.confirm(paid.order_id)
        for status in ("canceled", "rejected"):
            payments.moved(payments.opened(vendor_store_id=vendor), status=status)
        token = mesh.store_token(vendor, store_type="vendor")

        first = mesh.read(stub.ListEarnings, earnings_service_pb2.ListEarningsRequest(limit=1), token=token)
        found = mesh.read(stub.ListEarnings, earnings_service_pb2.ListEarningsRequest(), token=token)

        each = 12_345
        net = {item.order_id: item.net_cents for item in found.items}
        assert [net.pop(order.order_id) for order in (paid, due, waiting)] == [each] * 3
        assert list(net.values()) == [0, 0]
        (totals,) = found.totals
        assert (totals.currency, totals.orders, totals.net_cents) == ("USD", 3, 3 * each)
        assert (totals.paid_cents, totals.due_cents, totals.open_cents) == (each, each, each)
        assert list(first.totals) == [totals]

    def test_confirming_changes_nothing_but_the_audit_log(
        self, mesh: MeshHarness, payments: Payments, vendor: str
    ) -> None:
        stub = mesh.stub(earnings_service_pb2_grpc.EarningsServiceStub, "finance")
        order = payments.due(vendor_store_id=vendor)
        request = earnings_service_pb2.ConfirmPaidRequest(order_id=order.order_id, note="came")
        token = mesh.store_token(vendor, store_type="vendor")
        with pytest.raises(Refused) as refused:
            mesh.write(stub.ConfirmPaid, request, token=token)
        assert refused.value.reason == "PAYOUT_NOT_DUE"
        payments.confirm(order.order_id)
        before, told = payments.intent(order), payments.events(order)

        mesh.write(stub.ConfirmPaid, request, token=token)

        assert (payments.intent(order), payments.events(order)) == (before, told)
        row = payments.audited(order, "payout.vendor_confirm")[-1]
        assert row.after == {"note": "came", "payment_status": "paid"}
        with pytest.raises(Refused) as refused:
            mesh.write(stub.ConfirmPaid, request, token=mesh.store_token(uuid.uuid4(), store_type="vendor"))
        assert refused.value.code == "NOT_FOUND"
