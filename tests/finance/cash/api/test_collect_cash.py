"""CollectCash through the whole chain."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from marketmesh.finance.events.v1 import finance_events_pb2 as events
from marketmesh.finance.v1 import finance_internal_service_pb2 as messages
from marketmesh.finance.v1 import payment_pb2
from services.finance.payments.usecases.open_intents import open_intents
from tests.finance.paid_orders import Payments
from tests.finance.snapshots import order_snapshot
from tests.support.mesh_harness import MeshHarness, Refused

NOBODY = str(uuid.UUID(int=0))


class TestGetPayment:
    def test_says_what_was_collected_by_whom(self, mesh: MeshHarness, payments: Payments) -> None:
        order = payments.collected()
        request = messages.GetPaymentRequest(order_id=order.order_id)

        intent = mesh.read(payments.internal.GetPayment, request, token=mesh.service_token("fulfillment"))

        assert intent == payments.collect(order)
        assert intent.collected_by_user_id == str(payments.agent)

    def test_does_not_know_other_orders(self, mesh: MeshHarness, payments: Payments) -> None:
        request = messages.GetPaymentRequest(order_id=NOBODY)

        with pytest.raises(Refused) as refused:
            mesh.read(payments.internal.GetPayment, request, token=mesh.service_token("fulfillment"))

        assert refused.value.code == "NOT_FOUND"


class TestCollectCash:
    def test_settles_and_posts_a_balanced_entry(self, mesh: MeshHarness, payments: Payments) -> None:
        order, agent = order_snapshot(), str(uuid.uuid4())
        with mesh.transaction("finance") as tx:
            open_intents(tx, [order], fee_basis_points=1_000)

        intent = payments.collect(order, agent_user_id=agent)

        assert payment_pb2.IntentStatus.Value.Name(intent.status) == "settled"
        assert (intent.amount_cents, intent.fee_cents, intent.failure_reason) == (12_345, 1_235, "")
        assert intent.cash_collected_at.ToDatetime() == mesh.clock.now().replace(tzinfo=None)
        assert payments.postings(order) == [
            ("cash_collected", "cash_in_transit", agent, "USD", 12_345),
            ("cash_collected", "vendor_payable", order.vendor_store_id, "USD", -11_110),
            ("cash_collected", "platform_fee", NOBODY, "USD", -1_235),
        ]

    def test_announces_it_once_and_audits_it(self, mesh: MeshHarness, payments: Payments) -> None:
        order, agent = payments.opened(), str(uuid.uuid4())

        payments.collect(order, agent_user_id=agent)

        event = next(
            event for event in mesh.events("finance", events.CashCollected) if event.order_id == order.order_id
        )
        assert (event.amount_cents, event.currency, event.agent_user_id) == (12_345, "USD", agent)
        assert (event.payment_intent_id, event.order_number) == (order.payment_intent_id, order.order_number)
        row = payments.audited(order, "cash.collect")[0]
        assert (row.actor, row.outcome, row.before, row.after) == (
            "service:fulfillment",
            "ok",
            {"status": "unpaid"},
            {"status": "settled"},
        )

    def test_answers_a_repeat_with_the_same_and_posts_nothing(self, payments: Payments) -> None:
        order = payments.opened()
        first = payments.collect(order)

        second = payments.collect(order)

        assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
        assert len(payments.postings(order)) == 2
        assert payments.events(order) == ["cash_collected"]

    @pytest.mark.parametrize("state", ["settled", "paid"])
    @pytest.mark.parametrize(
        "other", [{"amount_cents": 1}, {"amount_cents": 12_346}, {"currency": "EUR"}, {"agent_user_id": NOBODY}]
    )
    def test_refuses_another_sum_or_agent_once_it_is_collected(
        self, payments: Payments, state: str, other: dict[str, Any]
    ) -> None:
        order = payments.due()
        if state == "paid":
            payments.confirm(order.order_id)
        events = payments.events(order)

        with pytest.raises(Refused) as refused:
            payments.collect(order, **other)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "CASH_COLLECTED_OTHERWISE")
        told = refused.value.metadata
        assert told["collected_cents"] == "12345"
        assert told["received_cents"] == str(other.get("amount_cents", 12_345))
        assert told["collected_by"] == str(payments.agent)
        assert payments.events(order) == events

    def test_posts_one_entry_under_ten_calls_at_once(self, payments: Payments) -> None:
        order, start = payments.opened(), threading.Barrier(10)

        def collect(_: int) -> bytes:
            start.wait(10)
            return payments.collect(order).SerializeToString(deterministic=True)

        with ThreadPoolExecutor(10) as pool:
            answers = set(pool.map(collect, range(10)))

        assert len(answers) == 1
        assert [posting[4] for posting in payments.postings(order)] == [12_345, -12_345]
        assert payments.events(order) == ["cash_collected"]

    def test_opens_the_accounts_of_one_agent_from_many_orders_at_once(self, payments: Payments) -> None:
        # Eight first entries of the same agent and vendor race for the same new accounts.
        for _ in range(4):
            vendor, agent, start = str(uuid.uuid4()), str(uuid.uuid4()), threading.Barrier(8)
            orders = [payments.opened(vendor_store_id=vendor) for _ in range(8)]

            def collect(order: Any, agent: str = agent, start: threading.Barrier = start) -> int:
                start.wait(10)
                return payments.collect(order, agent_user_id=agent).status

            with ThreadPoolExecutor(8) as pool:
                statuses = list(pool.map(collect, orders))

            assert statuses == [payment_pb2.IntentStatus.Value.settled] * 8

    def test_waits_for_a_cost_it_has_not_heard_of(self, payments: Payments) -> None:
        order = payments.opened()
        cheaper = {"order_version": 2, "order_total_cents": 12_000, "amount_cents": 12_000}

        with pytest.raises(Refused) as refused:
            payments.collect(order, **cheaper)
        payments.moved(order, total_cents=12_000)
        settled = payments.collect(order, **cheaper)

        assert (refused.value.code, refused.value.metadata["dependency"]) == ("UNAVAILABLE", "commerce.order.v1")
        assert refused.value.headers["retry-after"] == "1"
        assert settled.status == payment_pb2.IntentStatus.Value.settled

    def test_does_not_wait_for_a_version_that_costs_the_same(self, payments: Payments) -> None:
        order = payments.opened()

        settled = payments.collect(order, order_version=2)
        repeated = payments.moved(order, status="in_transit")

        assert settled.status == payment_pb2.IntentStatus.Value.settled
        assert payments.collect(repeated, order_version=3).id == settled.id

    def test_says_of_a_version_that_costs_the_same_what_does_not_fit(self, payments: Payments) -> None:
        with pytest.raises(Refused) as refused:
            payments.collect(payments.opened(), order_version=2, amount_cents=12_344)

        assert refused.value.reason == "PAYMENT_MISMATCH"

    @pytest.mark.parametrize(
        "wrong", [{"amount_cents": 12_344}, {"currency": "EUR"}, {"order_total_cents": 12_346}], ids=min
    )
    def test_keeps_the_failure_of_money_that_does_not_fit(
        self, mesh: MeshHarness, payments: Payments, wrong: dict[str, Any]
    ) -> None:
        order = payments.opened()

        with pytest.raises(Refused) as refused:
            payments.collect(order, **wrong)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "PAYMENT_MISMATCH")
        received = wrong.get("amount_cents", 12_345)
        assert refused.value.metadata["expected_cents"] == "12345"
        assert refused.value.metadata["received_cents"] == str(received)
        intent = payments.intent(order)
        assert intent.status == "failed"
        assert intent.failure_reason == (
            f"received {received} {wrong.get('currency', 'USD')}, order costs {wrong.get('order_total_cents', 12_345)},"
            " intent is over 12345 USD"
        )
        assert payments.postings(order) == []
        failed = [event for event in mesh.events("finance", events.PaymentFailed) if event.order_id == order.order_id]
        assert [(event.expected_cents, event.received_cents, event.currency) for event in failed] == [
            (12_345, received, "USD")
        ]
        assert [row.outcome for row in payments.audited(order, "cash.collect")] == ["PAYMENT_MISMATCH"]

    def test_takes_nothing_for_a_failed_payment(self, payments: Payments) -> None:
        order = payments.failed()

        with pytest.raises(Refused) as refused:
            payments.collect(order)

        assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "PAYMENT_FINAL")
        assert refused.value.metadata["state"] == "failed"
        assert payments.postings(order) == []
        assert payments.events(order) == ["payment_failed"]

    def test_takes_nothing_for_a_rejected_payment(self, payments: Payments) -> None:
        order = payments.moved(payments.opened(), status="canceled")

        with pytest.raises(Refused) as refused:
            payments.collect(order)

        assert (refused.value.reason, refused.value.metadata["state"]) == ("PAYMENT_FINAL", "rejected")
        assert (payments.intent(order).status, payments.postings(order)) == ("rejected", [])

    def test_takes_no_cash_for_a_transfer(self, payments: Payments) -> None:
        order = payments.opened(payment_method="ach")

        with pytest.raises(Refused) as refused:
            payments.collect(order)

        assert (refused.value.reason, payments.intent(order).status) == ("PAYMENT_FINAL", "pending")

    def test_waits_for_an_order_it_has_not_heard_of(self, payments: Payments) -> None:
        with pytest.raises(Refused) as refused:
            payments.collect(order_snapshot())

        # The caller has read it from commerce: it exists.
        assert (refused.value.code, refused.value.metadata["dependency"]) == ("UNAVAILABLE", "commerce.order.v1")

    @pytest.mark.parametrize("who", ["nobody", "store", "admin", "agent"])
    def test_serves_services_only(self, mesh: MeshHarness, payments: Payments, who: str) -> None:
        order = payments.opened()
        token = {
            "nobody": "",
            "store": mesh.store_token(uuid.uuid4()),
            "admin": mesh.admin_token(),
            "agent": mesh.agent_token(),
        }[who]
        request = messages.CollectCashRequest(
            order_id=order.order_id, agent_user_id=str(uuid.uuid4()), amount_cents=12_345, currency="USD"
        )

        with pytest.raises(Refused) as refused:
            mesh.call(payments.internal.CollectCash, request, token=token)

        assert refused.value.code == "UNAUTHENTICATED"
        assert refused.value.metadata["cause"] == ("token_missing" if who == "nobody" else "token_audience")
        assert payments.intent(order).status == "unpaid"

    def test_names_every_bad_field(self, mesh: MeshHarness, payments: Payments) -> None:
        request = messages.CollectCashRequest(order_id="x", agent_user_id="y", amount_cents=0, currency="usd")

        with pytest.raises(Refused) as refused:
            mesh.call(payments.internal.CollectCash, request, token=mesh.service_token("fulfillment"))

        assert {item.field for item in refused.value.violations} == {
            "order_id",
            "agent_user_id",
            "amount_cents",
            "currency",
            "order_total_cents",
            "order_version",
        }
