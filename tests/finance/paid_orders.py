"""What commerce, delivery agents and administrators do with finance."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketmesh.finance.v1 import (
    finance_internal_service_pb2,
    finance_internal_service_pb2_grpc,
    payment_pb2,
    payout_batch_service_pb2,
    payout_batch_service_pb2_grpc,
    payout_service_pb2,
    payout_service_pb2_grpc,
)
from tests.finance.snapshots import changed, created, later, order_snapshot

if TYPE_CHECKING:
    from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
    from tests.support.mesh_harness import MeshHarness

_POSTINGS = """
    SELECT e.type, a.kind, a.owner_id, a.currency, p.amount_cents FROM ledger_entries e
    JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
    WHERE e.subject_id = CAST(:order_id AS uuid) ORDER BY e.created_at, e.type, p.position
"""


@dataclass
class Payments:
    """Orders of this test, and what is done with their money."""

    mesh: MeshHarness

    def __post_init__(self) -> None:
        self.internal = self.mesh.stub(finance_internal_service_pb2_grpc.FinanceInternalServiceStub, "finance")
        self.admin = self.mesh.stub(payout_service_pb2_grpc.FinanceAdminServiceStub, "finance")
        # One agent collects unless told otherwise.
        self.agent = uuid.uuid4()
        self.admin_token = self.mesh.admin_token(uuid.uuid4())

    def opened(self, **changes: Any) -> commerce.OrderSnapshot:
        """Report a new order."""
        order = order_snapshot(**changes)
        self.mesh.deliver("finance", created(order))
        return order

    def moved(self, order: commerce.OrderSnapshot, **changes: Any) -> commerce.OrderSnapshot:
        """Report an order's next version."""
        following = later(order, **changes)
        self.mesh.deliver("finance", changed(following))
        return following

    def delivered(self, order: commerce.OrderSnapshot) -> commerce.OrderSnapshot:
        """Report an order as delivered now."""
        following = later(order, status="delivered")
        following.delivered_at.FromDatetime(self.mesh.clock.now())
        self.mesh.deliver("finance", changed(following))
        return following

    def collected(self, **changes: Any) -> commerce.OrderSnapshot:
        """Report a new order and take its cash."""
        order = self.opened(**changes)
        self.collect(order)
        return order

    def due(self, **changes: Any) -> commerce.OrderSnapshot:
        """Report a new order, take its cash and deliver it."""
        return self.delivered(self.collected(**changes))

    def failed(self) -> commerce.OrderSnapshot:
        """Report a new order and count one cent too little."""
        order = self.opened()
        try:
            self.collect(order, amount_cents=order.total_cents - 1)
        except Exception as refusal:  # noqa: BLE001
            assert getattr(refusal, "reason", "") == "PAYMENT_MISMATCH"  # noqa: PT017
        return order

    def collect(self, order: commerce.OrderSnapshot, **changes: Any) -> payment_pb2.PaymentIntent:
        """Tell finance that an agent holds an order's cash; the right sum unless changed."""
        fields = {
            "order_id": order.order_id,
            "agent_user_id": str(self.agent),
            "amount_cents": order.total_cents,
            "currency": order.currency,
            "order_total_cents": order.total_cents,
            "order_version": order.version,
        }
        request = finance_internal_service_pb2.CollectCashRequest(**{**fields, **changes})
        answer: payment_pb2.PaymentIntent = self.mesh.read(
            self.internal.CollectCash, request, token=self.mesh.service_token("fulfillment")
        )
        return answer

    def confirm(self, order_id: str, *, reference: str = "", key: str = "") -> payment_pb2.PaymentIntent:
        """Confirm a payout as an administrator."""
        request = payout_service_pb2.ConfirmPayoutRequest(order_id=order_id, reference=reference)
        answer: payment_pb2.PaymentIntent = self.mesh.call(
            self.admin.ConfirmPayout, request, token=self.admin_token, key=key or uuid.uuid4().hex
        )[0]
        return answer

    def pay(self, method: str, *, admin: str = "", key: str = "", **fields: Any) -> Any:
        """Do something with payouts as an administrator."""
        stub = self.mesh.stub(payout_batch_service_pb2_grpc.PayoutAdminServiceStub, "finance")
        request = getattr(payout_batch_service_pb2, f"{method}Request")(**fields)
        needs_key = not method.startswith(("Get", "List"))
        return self.mesh.call(
            getattr(stub, method),
            request,
            token=admin or self.admin_token,
            key=(key or uuid.uuid4().hex) if needs_key else "",
        )[0]

    def balance(self, kind: str, owner: str) -> int:
        """Return an account's balance in dollars' cents."""
        rows = self.mesh.rows(
            "finance",
            "SELECT coalesce(sum(p.amount_cents), 0) AS cents FROM accounts a JOIN postings p ON p.account_id = a.id"
            " WHERE a.kind = :kind AND a.owner_id = CAST(:owner AS uuid) AND a.currency = 'USD'",
            kind=kind,
            owner=owner,
        )
        return int(rows[0].cents)

    def due_payouts(self, vendor_store_id: str) -> list[str]:
        """Return a vendor's orders in the payout queue."""
        found, cursor = [], ""
        while True:
            request = payout_service_pb2.ListPayoutsRequest(limit=100, cursor=cursor)
            page = self.mesh.read(self.admin.ListPayouts, request, token=self.admin_token)
            found += [item.order_id for item in page.items if item.vendor_store_id == vendor_store_id]
            cursor = page.next_cursor
            if not cursor:
                return found

    def reopen(self, order_id: str) -> payment_pb2.PaymentIntent:
        """Reopen a failed payment as an administrator."""
        request = payout_service_pb2.ReopenPaymentRequest(order_id=order_id, reason="counted again")
        answer: payment_pb2.PaymentIntent = self.mesh.write(self.admin.ReopenPayment, request, token=self.admin_token)
        return answer

    def intent(self, order: commerce.OrderSnapshot) -> Any:
        """Return the order's intent."""
        sql = (
            "SELECT i.*, c.collected_at, c.collected_by_user_id, c.hand_in_id, h.reason AS hold_reason FROM payment_intents i"
            " LEFT JOIN cash_custodies c ON c.intent_id = i.id LEFT JOIN payout_holds h ON h.intent_id = i.id"
            " WHERE i.subject_id = CAST(:order_id AS uuid)"
        )
        return self.mesh.rows("finance", sql, order_id=order.order_id)[0]

    def postings(self, order: commerce.OrderSnapshot) -> list[tuple[str, str, str, str, int]]:
        """Return the order's postings: entry type, account kind, owner, currency, cents."""
        rows = self.mesh.rows("finance", _POSTINGS, order_id=order.order_id)
        return [(row.type, row.kind, str(row.owner_id), row.currency, row.amount_cents) for row in rows]

    def events(self, order: commerce.OrderSnapshot) -> list[str]:
        """Return the types of events about the order, oldest first."""
        sql = "SELECT type FROM outbox WHERE ordering_key = :order_id ORDER BY seq"
        return [row.type for row in self.mesh.rows("finance", sql, order_id=order.order_id)]

    def audited(self, order: commerce.OrderSnapshot, action: str) -> list[Any]:
        """Return the audit rows of an action on the order, oldest first."""
        sql = "SELECT * FROM audit_log WHERE target = :order_id AND action = :action ORDER BY seq"
        return self.mesh.rows("finance", sql, order_id=order.order_id, action=action)


def wait_for_a_waiter(mesh: MeshHarness) -> None:
    """Return once somebody waits for a lock of finance."""
    mesh.wait_for_a_waiter("finance")
