"""Who is told what, once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from marketmesh.catalog.events.v1 import catalog_events_pb2 as catalog
from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from tests.finance.snapshots import created, later, order_snapshot
from tests.identity.people import People
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from google.protobuf.message import Message

    Order = commerce.OrderSnapshot
    Make = Callable[[Order], Message]


def decided(order: Order, *, decision: str = "accept", line: str = "", version: int = 2) -> commerce.OrderDecided:
    snapshot = later(order, status="accepted", version=version)
    return commerce.OrderDecided(order_id=order.order_id, decision=decision, line_item_id=line, order=snapshot)


def moved(order: Order, status: str) -> commerce.OrderStateChanged:
    return commerce.OrderStateChanged(order_id=order.order_id, order=later(order, status=status))


def about(order: Order, event_class: type[Message], **fields: Any) -> Message:
    return event_class(
        order_id=order.order_id, order_number=order.order_number, vendor_store_id=order.vendor_store_id, **fields
    )


def money(order: Order, event_class: type[Message], **fields: Any) -> Message:
    if "buyer_store_id" in event_class.DESCRIPTOR.fields_by_name:
        fields["buyer_store_id"] = order.buyer_store_id
    return about(order, event_class, currency="USD", **fields)


# event, recipient, title, message
_TOLD: dict[str, tuple[Make, str, str, str]] = {
    "new order": (
        created,
        "vendor",
        "New order #{number}",
        "Corner Store ordered for 123.45 USD. Please decide.",
    ),
    "accepted": (decided, "buyer", "Order #{number} accepted", "Your order at Green Farm was accepted."),
    "rejected": (
        lambda order: decided(order, decision="reject"),
        "buyer",
        "Order #{number} rejected",
        "Your order at Green Farm was rejected.",
    ),
    "line rejected": (
        lambda order: decided(order, decision="reject", line="l1"),
        "buyer",
        "Order #{number} rejected",
        "One line of your order at Green Farm was rejected.",
    ),
    "packed": (
        lambda order: commerce.OrderReadyForDispatch(order_id=order.order_id, order=order),
        "buyer",
        "Order #{number} is packed",
        "An agent will pick it up. Tell the agent the delivery code of the order at the door, when asked.",
    ),
    "in transit": (
        lambda order: moved(order, "in_transit"),
        "buyer",
        "Order #{number} is on its way",
        "From Green Farm.",
    ),
    "delivered": (
        lambda order: moved(order, "delivered"),
        "buyer",
        "Order #{number} was delivered",
        "From Green Farm.",
    ),
    "canceled": (
        lambda order: commerce.OrderCanceled(order_id=order.order_id, order=order),
        "vendor",
        "Order #{number} canceled",
        "Corner Store canceled it.",
    ),
    "waiting": (
        lambda order: commerce.OrderPendingNudge(
            order_id=order.order_id, pending_days=5, expires_at=Timestamp(seconds=1_773_000_000), order=order
        ),
        "vendor",
        "Order #{number} is waiting for you",
        "Corner Store ordered 5 days ago. It expires on 2026-03-08.",
    ),
    "nudged": (
        lambda order: commerce.OrderNudged(
            order_id=order.order_id, nudged_at=Timestamp(seconds=1_773_000_000), order=order
        ),
        "vendor",
        "Order #{number}: please decide",
        "Corner Store is waiting for your decision.",
    ),
    "expired, to the buyer": (
        lambda order: commerce.OrderExpired(order_id=order.order_id, ttl_days=10, order=order),
        "buyer",
        "Order #{number} expired",
        "Green Farm did not answer within 10 days. You may retry it.",
    ),
    "expired, to the vendor": (
        lambda order: commerce.OrderExpired(order_id=order.order_id, ttl_days=10, order=order),
        "vendor",
        "Order #{number} expired",
        "It was not decided within 10 days. Its stock is free again.",
    ),
    "cash": (
        lambda order: money(order, finance.CashCollected, amount_cents=5),
        "vendor",
        "Payment for order #{number}",
        "0.05 USD in cash was collected.",
    ),
    "payout due": (
        lambda order: money(order, finance.CashCollected, amount_cents=12_300),
        "administrators",
        "Payout for order #{number}",
        "123.00 USD was collected; confirm the payout once the order is delivered.",
    ),
    "mismatch": (
        lambda order: money(order, finance.PaymentFailed, received_cents=1, expected_cents=12_345),
        "administrators",
        "Payment of order #{number} does not fit",
        "Received 0.01 USD, expected 123.45 USD. The order is on hold.",
    ),
    "cash counted": (
        lambda order: finance.CashMismatchFound(
            order_id=order.order_id,
            order_number=order.order_number,
            mismatch_id=str(uuid.uuid4()),
            counted_cents=12_340,
            collected_cents=12_345,
            declared_cents=12_345,
            currency="USD",
        ),
        "administrators",
        "Cash of order #{number} does not fit",
        "Counted 123.40 USD, collected 123.45 USD, declared 123.45 USD. The order is not paid out until it is resolved.",
    ),
    "paid out": (
        lambda order: money(order, finance.OrderPaid, amount_cents=12_345, payout_cents=12_000),
        "vendor",
        "Payout for order #{number}",
        "120.00 USD is on its way to you.",
    ),
    "retried": (
        lambda order: commerce.OrderRetried(order_id=str(uuid.uuid4()), new_order_id=order.order_id, order=order),
        "vendor",
        "Order #{number} is a second try",
        "Corner Store ordered again what expired undecided. Please decide in time.",
    ),
    "payout came back": (
        lambda order: money(order, finance.PayoutReturned, payout_cents=12_000, reason="account closed"),
        "vendor",
        "Payout for order #{number} came back",
        "120.00 USD did not reach you: account closed. It is due again.",
    ),
    "payout held": (
        lambda order: about(order, finance.PayoutHeld),
        "vendor",
        "Payout for order #{number} is held",
        "It is being looked at and is left out of payouts until then.",
    ),
    "payout released": (
        lambda order: about(order, finance.PayoutReleased),
        "vendor",
        "Payout for order #{number} is held no longer",
        "It will be in one of the next payouts.",
    ),
    "refund, to the buyer": (
        lambda order: money(order, finance.PaymentRefunded, amount_cents=500, refunded_cents=500),
        "buyer",
        "Refund for order #{number}",
        "You get 5.00 USD of it back.",
    ),
    "refund, to the vendor": (
        lambda order: money(order, finance.PaymentRefunded, amount_cents=500, refunded_cents=500),
        "vendor",
        "Refund for order #{number}",
        "The buyer gets 5.00 USD of it back; your part is taken from what you earn.",
    ),
}
_TELLS_TWO = {
    "cash", "payout due", "expired, to the buyer", "expired, to the vendor", "refund, to the buyer",
    "refund, to the vendor",
}  # fmt: skip


class TestConsumers:
    @pytest.mark.parametrize("case", list(_TOLD))
    def test_tell_the_right_people_once(self, mesh: MeshHarness, people: People, case: str) -> None:
        make, recipient, title, message = _TOLD[case]
        order, event_id = order_snapshot(), uuid.uuid4()

        for _ in range(2):
            mesh.deliver("identity", make(order), event_id=event_id)

        store = {"vendor": order.vendor_store_id, "buyer": order.buyer_store_id}.get(recipient)
        link = f"/orders/{order.order_id}"
        assert [(row.type, row.title, row.message, row.read_at) for row in people.inbox(store, link)] == [
            ("order_alert", title.format(number=order.order_number), message, None)
        ]
        told = mesh.rows("identity", "SELECT 1 FROM notifications WHERE link = :link", link=link)
        assert len(told) == (2 if case in _TELLS_TWO else 1)

    @pytest.mark.parametrize(
        "make",
        [
            lambda order: created(later(order, status="rejected")),
            lambda order: moved(order, "closed"),
            lambda order: moved(order, "hold"),
        ],
        ids=["stillborn order", "closed", "hold"],
    )
    def test_say_nothing_about_the_rest(self, mesh: MeshHarness, make: Make) -> None:
        order = order_snapshot()

        mesh.deliver("identity", make(order))

        rows = mesh.rows("identity", "SELECT 1 FROM notifications WHERE link = :link", link=f"/orders/{order.order_id}")
        assert rows == []

    def test_tell_the_buyer_about_every_decided_line(self, mesh: MeshHarness, people: People) -> None:
        order = order_snapshot()

        for version, line in ((2, "l1"), (3, "l2")):
            mesh.deliver("identity", decided(order, line=line, version=version))

        assert len(people.inbox(order.buyer_store_id)) == 2

    def test_tell_the_vendor_each_time_that_little_is_left(self, mesh: MeshHarness, people: People) -> None:
        store, product = str(uuid.uuid4()), str(uuid.uuid4())
        link = f"/vendor/products/{product}"

        for left, at in ((3, 1), (0, 2), (0, 2)):
            event = catalog.ProductLowStock(
                product_id=product, vendor_store_id=store, sku="A-1", title="Haze", available_qty=left,
                low_stock_threshold=3, crossed_at={"seconds": at},
            )  # fmt: skip
            mesh.deliver("identity", event)

        assert {(row.type, row.title, row.message) for row in people.inbox(store, link)} == {
            ("market_update", "Haze runs low", "3 left of A-1; you want to hear at 3."),
            ("market_update", "Haze is sold out", "None left of A-1; you want to hear at 3."),
        }
        assert len(people.inbox(store, link)) == 2

    def test_tell_the_administrators_about_the_same_wrong_sum_again(self, mesh: MeshHarness, people: People) -> None:
        order = order_snapshot()

        # At one instant, as a consumer that was away hears of them.
        for second in (1, 2, 2):
            failed_at = Timestamp(seconds=second)
            mesh.deliver("identity", money(order, finance.PaymentFailed, received_cents=1, failed_at=failed_at))

        assert len(people.inbox(None, f"/orders/{order.order_id}")) == 2

    def test_tell_the_vendor_of_every_payout_refund_and_hold(self, mesh: MeshHarness, people: People) -> None:
        order = order_snapshot()

        for number in (1, 2):
            at = Timestamp(seconds=number)
            for event in (
                money(order, finance.OrderPaid, payout_cents=12_000, vendor_paid_at=at),
                money(order, finance.PayoutReturned, payout_cents=12_000, payout_id=str(number)),
                money(order, finance.PaymentRefunded, amount_cents=5, refunded_cents=5 * number),
                about(order, finance.PayoutHeld, held_at=at),
                about(order, finance.PayoutReleased, released_at=at),
            ):
                for _ in range(2):
                    mesh.deliver("identity", event)

        assert len(people.inbox(order.vendor_store_id)) == 10

    @pytest.mark.parametrize(
        ("make", "title", "message"),
        [
            (
                lambda payout: finance.PayoutRequested(**payout, order_count=1),
                "Payout to Green Farm waits",
                "120.00 USD for 1 order needs the approval of somebody else than who asked for it.",
            ),
            (
                lambda payout: finance.PayoutRequested(**payout, order_count=3),
                "Payout to Green Farm waits",
                "120.00 USD for 3 orders needs the approval of somebody else than who asked for it.",
            ),
            (
                lambda payout: finance.PayoutDecided(**payout, decision="approve"),
                "Payout to Green Farm approved",
                "120.00 USD is on its way.",
            ),
            (
                lambda payout: finance.PayoutDecided(**payout, decision="reject", reason="wrong account"),
                "Payout to Green Farm rejected",
                "Its orders are due again. (wrong account)",
            ),
            (
                lambda payout: finance.PayoutDecided(**payout, decision="return", reason="account closed"),
                "Payout to Green Farm came back",
                "The vendor is owed 120.00 USD again. (account closed)",
            ),
        ],
        ids=["waits", "waits for several", "approved", "rejected", "returned"],
    )
    def test_tell_the_administrators_about_payouts(
        self, mesh: MeshHarness, people: People, make: Callable[[dict[str, Any]], Message], title: str, message: str
    ) -> None:
        payout = {
            "payout_id": str(uuid.uuid4()), "vendor_store_id": str(uuid.uuid4()), "vendor_store_name": "Green Farm",
            "amount_cents": 12_000, "currency": "USD",
        }  # fmt: skip

        for _ in range(2):
            mesh.deliver("identity", make(payout))

        found = people.inbox(None, f"/admin/payouts/{payout['payout_id']}")
        assert [(row.type, row.title, row.message) for row in found] == [("order_alert", title, message)]
