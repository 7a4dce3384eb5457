"""Payouts and reopened payments through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from marketmesh.finance.v1 import payment_pb2
from marketmesh.finance.v1 import payout_service_pb2 as messages
from services.finance.payments.usecases.open_intents import open_intents
from tests.finance.paid_orders import Payments
from tests.finance.snapshots import order_snapshot
from tests.support.mesh_harness import MeshHarness, Refused

NOBODY = str(uuid.UUID(int=0))
_QUEUED = (
    "SELECT count(*) AS n FROM payment_intents WHERE status = 'settled' AND delivered_at IS NOT NULL"
    " AND payout_id IS NULL AND id NOT IN (SELECT intent_id FROM payout_holds)"
    " AND id NOT IN (SELECT intent_id FROM cash_custodies WHERE mismatch_id IS NOT NULL)"
)


class TestConfirmPayout:
    def test_pays_what_is_left_after_the_fee(self, mesh: MeshHarness, payments: Payments) -> None:
        order = order_snapshot()
        with mesh.transaction("finance") as tx:
            open_intents(tx, [order], fee_basis_points=1_000)
        payments.collect(order)
        payments.delivered(order)

        intent = payments.confirm(order.order_id, reference="bank 4711")

        assert payment_pb2.IntentStatus.Value.Name(intent.status) == "paid"
        assert intent.vendor_paid_at.ToDatetime() == mesh.clock.now().replace(tzinfo=None)
        assert payments.postings(order)[3:] == [
            ("vendor_payout", "vendor_payable", order.vendor_store_id, "USD", 11_110),
            ("vendor_payout", "cash_clearing", NOBODY, "USD", -11_110),
        ]
        entry = mesh.rows(
            "finance",
            "SELECT reference FROM ledger_entries WHERE subject_id = CAST(:id AS uuid) AND type = 'vendor_payout'",
            id=order.order_id,
        )
        assert [row.reference for row in entry] == ["bank 4711"]

    def test_announces_and_audits_it(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.due()

        payments.confirm(order.order_id)

        paid = next(event for event in mesh.events("finance", events.OrderPaid) if event.order_id == order.order_id)
        assert (paid.amount_cents, paid.payout_cents, paid.vendor_store_id) == (12_345, 12_345, order.vendor_store_id)
        row = payments.audited(order, "payout.confirm")[0]
        assert (row.before, row.after) == ({"status": "settled"}, {"status": "paid", "payout_cents": 12_345})

    def test_posts_nothing_when_the_fee_takes_it_all(self, mesh: MeshHarness, payments: Payments) -> None:
        order = order_snapshot()
        with mesh.transaction("finance") as tx:
            open_intents(tx, [order], fee_basis_points=10_000)
        payments.collect(order)
        payments.delivered(order)

        intent = payments.confirm(order.order_id)

        assert intent.status == payment_pb2.IntentStatus.Value.paid
        assert [posting[0] for posting in payments.postings(order)] == ["cash_collected", "cash_collected"]

    def test_answers_a_repeat_with_the_same_and_pays_once(self, payments: Payments) -> None:
        order, key = payments.due(), uuid.uuid4().hex
        first = payments.confirm(order.order_id, key=key)

        replayed = payments.confirm(order.order_id, key=key)
        repeated = payments.confirm(order.order_id)

        assert replayed.SerializeToString() == first.SerializeToString()
        assert repeated.SerializeToString() == first.SerializeToString()
        assert [posting[4] for posting in payments.postings(order)] == [12_345, -12_345, 12_345, -12_345]
        assert payments.events(order) == ["cash_collected", "order_paid"]

    def test_refuses_a_key_with_another_order(self, payments: Payments) -> None:
        first, second, key = payments.due(), payments.due(), uuid.uuid4().hex
        payments.confirm(first.order_id, key=key)

        with pytest.raises(Refused) as refused:
            payments.confirm(second.order_id, key=key)

        assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
        assert payments.intent(second).status == "settled"

    def test_pays_once_under_calls_at_once(self, payments: Payments) -> None:
        order, start = payments.due(), threading.Barrier(6)

        def confirm(_: int) -> bytes:
            start.wait(10)
            return payments.confirm(order.order_id).SerializeToString()

        with ThreadPoolExecutor(6) as pool:
            answers = set(pool.map(confirm, range(6)))

        assert len(answers) == 1
        assert [posting[0] for posting in payments.postings(order)].count("vendor_payout") == 2

    @pytest.mark.parametrize(
        ("collect", "deliver", "order_status", "payment_status"),
        [
            (False, False, "created_pending", "unpaid"),
            (True, False, "created_pending", "settled"),
            (False, True, "delivered", "unpaid"),
        ],
        ids=["neither", "not delivered", "not settled"],
    )
    def test_waits_for_delivery_and_money(
        self, payments: Payments, *, collect: bool, deliver: bool, order_status: str, payment_status: str
    ) -> None:
        order = payments.collected() if collect else payments.opened()
        order = payments.delivered(order) if deliver else order
        before = payments.events(order)

        with pytest.raises(Refused) as refused:
            payments.confirm(order.order_id)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "PAYOUT_NOT_DUE")
        assert refused.value.metadata["order_status"] == order_status
        assert refused.value.metadata["payment_status"] == payment_status
        assert payments.intent(order).status == payment_status
        assert payments.events(order) == before

    def test_knows_no_foreign_order(self, payments: Payments) -> None:
        with pytest.raises(Refused) as refused:
            payments.confirm(str(uuid.uuid4()))

        assert refused.value.code == "NOT_FOUND"

    def test_needs_a_key(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.due()

        with pytest.raises(Refused) as refused:
            mesh.call(
                payments.admin.ConfirmPayout,
                messages.ConfirmPayoutRequest(order_id=order.order_id),
                token=mesh.admin_token(),
            )

        assert (refused.value.reason, payments.intent(order).status) == ("IDEMPOTENCY_KEY_MISSING", "settled")

    @pytest.mark.parametrize("who", ["nobody", "store", "agent", "service"])
    def test_serves_administrators_only(self, mesh: MeshHarness, payments: Payments, who: str) -> None:
        order = payments.due()
        token = _token(mesh, who)

        for method, request in _writes(payments, order.order_id):
            with pytest.raises(Refused) as refused:
                mesh.call(method, request, token=token, key=uuid.uuid4().hex)
            assert refused.value.code == "UNAUTHENTICATED"

        assert payments.intent(order).status == "settled"
        denied = payments.audited(order, "payout.confirm")
        assert [row.outcome for row in denied] == ["UNAUTHORIZED"]


class TestListPayouts:
    def test_lists_due_orders_oldest_delivery_first_without_gap_or_repeat(
        self, mesh: MeshHarness, payments: Payments
    ) -> None:
        due = []
        for _ in range(3):
            mesh.clock.advance(timedelta(seconds=1))
            due += [payments.due().order_id for _ in range(2)]
        hidden = {payments.collected().order_id, payments.delivered(payments.opened()).order_id}
        paid = payments.due().order_id
        payments.confirm(paid)

        pages = _pages(mesh, payments, limit=5)
        listed = [item.order_id for page in pages for item in page]

        assert len(listed) == len(set(listed)) == mesh.rows("finance", _QUEUED)[0].n
        mine = [order_id for order_id in listed if order_id in set(due)]
        assert {frozenset(mine[i : i + 2]) for i in (0, 2, 4)} == {frozenset(due[i : i + 2]) for i in (0, 2, 4)}
        assert [set(mine[i : i + 2]) for i in (0, 2, 4)] == [set(due[i : i + 2]) for i in (0, 2, 4)]
        assert not set(listed) & {*hidden, paid}
        times = [item.delivered_at.ToDatetime() for page in pages for item in page]
        assert times == sorted(times)

    def test_tells_what_the_vendor_gets(self, mesh: MeshHarness, payments: Payments) -> None:
        order = order_snapshot()
        with mesh.transaction("finance") as tx:
            open_intents(tx, [order], fee_basis_points=1_000)
        payments.collect(order)
        payments.delivered(order)

        item = next(
            item for page in _pages(mesh, payments, limit=100) for item in page if item.order_id == order.order_id
        )

        assert (item.amount_cents, item.fee_cents, item.currency) == (11_110, 1_235, "USD")
        assert (item.order_number, item.vendor_store_name) == (order.order_number, "Green Farm")

    @pytest.mark.parametrize("who", ["nobody", "store", "agent", "service"])
    def test_serves_administrators_only(self, mesh: MeshHarness, payments: Payments, who: str) -> None:
        with pytest.raises(Refused) as refused:
            mesh.call(payments.admin.ListPayouts, messages.ListPayoutsRequest(), token=_token(mesh, who))

        assert refused.value.code == "UNAUTHENTICATED"

    def test_refuses_a_foreign_cursor(self, mesh: MeshHarness, payments: Payments) -> None:
        with pytest.raises(Refused) as refused:
            mesh.read(payments.admin.ListPayouts, messages.ListPayoutsRequest(cursor="mine"), token=mesh.admin_token())

        assert [item.field for item in refused.value.violations] == ["cursor"]


class TestReopenPayment:
    def test_lets_the_money_be_counted_again(self, payments: Payments) -> None:
        order = payments.failed()

        reopened = payments.reopen(order.order_id)
        settled = payments.collect(order)

        assert payment_pb2.IntentStatus.Value.Name(reopened.status) == "unpaid"
        assert reopened.failure_reason == ""
        assert payment_pb2.IntentStatus.Value.Name(settled.status) == "settled"
        assert payments.events(order) == ["payment_failed", "payment_reopened", "cash_collected"]
        assert payments.audited(order, "payment.reopen")[0].after == {"status": "unpaid", "reason": "counted again"}

    def test_announces_every_failure(self, payments: Payments) -> None:
        order = payments.failed()
        payments.reopen(order.order_id)

        with pytest.raises(Refused):
            payments.collect(order, amount_cents=order.total_cents - 1)

        assert payments.events(order) == ["payment_failed", "payment_reopened", "payment_failed"]

    def test_reopens_failed_payments_only(self, payments: Payments) -> None:
        order = payments.collected()

        with pytest.raises(Refused) as refused:
            payments.reopen(order.order_id)

        assert (refused.value.reason, refused.value.metadata["state"]) == ("PAYMENT_NOT_FAILED", "settled")
        assert payments.intent(order).status == "settled"
        assert payments.events(order) == ["cash_collected"]

    def test_knows_no_foreign_order(self, payments: Payments) -> None:
        with pytest.raises(Refused) as refused:
            payments.reopen(str(uuid.uuid4()))

        assert refused.value.code == "NOT_FOUND"


def _pages(mesh: MeshHarness, payments: Payments, *, limit: int) -> list[list[Any]]:
    pages, cursor = [], ""
    while True:
        request = messages.ListPayoutsRequest(limit=limit, cursor=cursor)
        answer = mesh.read(payments.admin.ListPayouts, request, token=mesh.admin_token())
        assert answer.pagination.current == cursor
        pages.append(list(answer.items))
        cursor = answer.next_cursor
        if not cursor:
            return pages


def _token(mesh: MeshHarness, who: str) -> str:
    return {
        "nobody": "",
        "store": mesh.store_token(uuid.uuid4()),
        "agent": mesh.agent_token(),
        "service": mesh.service_token(),
    }[who]


def _writes(payments: Payments, order_id: str) -> list[tuple[Any, Any]]:
    return [
        (payments.admin.ConfirmPayout, messages.ConfirmPayoutRequest(order_id=order_id)),
        (payments.admin.ReopenPayment, messages.ReopenPaymentRequest(order_id=order_id, reason="x")),
    ]
