"""A small market to write commerce's tests in: stores with gates, carts, orders."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from marketmesh.commerce.v1 import (
    cart_pb2,
    cart_service_pb2,
    cart_service_pb2_grpc,
    commerce_internal_service_pb2,
    commerce_internal_service_pb2_grpc,
    order_pb2,
    order_service_pb2,
    order_service_pb2_grpc,
)
from marketmesh.finance.events.v1 import finance_events_pb2 as finance
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from services.commerce.orders.domain.lifetime import Lifetime
from services.commerce.orders.usecases.end_lifetimes import end_lifetimes
from services.commerce.orders.usecases.prove_orders import prove_orders
from tests.support.identity import address

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.support.mesh_harness import MeshHarness

CASH, ACH = order_pb2.PaymentMethod.cash, order_pb2.PaymentMethod.ach


def status_name(order: order_pb2.Order) -> str:
    """Return an order's status as a word."""
    return str(order_pb2.OrderStatus.Value.Name(order.status))


_FORGET_OTHERS = text("UPDATE outbox SET published_at = :now WHERE published_at IS NULL AND ordering_key <> :order")


@dataclass
class Market:
    """One buyer and one vendor to begin with; ids are texts."""

    mesh: MeshHarness
    catalog: Any
    buyer: str = field(default_factory=lambda: str(uuid.uuid4()))
    vendor: str = field(default_factory=lambda: str(uuid.uuid4()))
    agent: str = field(default_factory=lambda: str(uuid.uuid4()))
    # Who hears identity's news about stores.
    listeners: tuple[str, ...] = ("commerce",)

    def __post_init__(self) -> None:
        self.gate(self.buyer, type="buyer", name="Buyer", subscription_active=False)
        self.gate(self.vendor, type="vendor", name="Vendor")

    @cached_property
    def carts(self) -> Any:
        """Return CartService."""
        return self.mesh.stub(cart_service_pb2_grpc.CartServiceStub, "commerce")

    @cached_property
    def orders(self) -> Any:
        """Return OrderService."""
        return self.mesh.stub(order_service_pb2_grpc.OrderServiceStub, "commerce")

    @cached_property
    def internal(self) -> Any:
        """Return CommerceInternalService."""
        return self.mesh.stub(commerce_internal_service_pb2_grpc.CommerceInternalServiceStub, "commerce")

    @property
    def buyer_token(self) -> str:
        """Return a token of the buyer's owner."""
        return self.mesh.store_token(self.buyer, store_type="buyer")

    @property
    def vendor_token(self) -> str:
        """Return a token of the vendor's owner."""
        return self.mesh.store_token(self.vendor, store_type="vendor")

    def gate(self, store_id: str, *, version: int = 1, **fields: Any) -> None:
        """Let identity tell about a store: verified and subscribed in OK unless told otherwise."""
        values = {"type": "vendor", "name": "Store", "state": "OK", "kyc_status": "verified", **fields}
        values.setdefault("subscription_active", True)
        for service in self.listeners:
            self.mesh.deliver(service, identity.StoreGateChanged(store_id=store_id, version=version, **values))

    def new_vendor(self, **fields: Any) -> str:
        """Return another vendor's id."""
        vendor = str(uuid.uuid4())
        self.gate(vendor, **{"type": "vendor", "name": f"Vendor {vendor[:4]}", **fields})
        return vendor

    def product(self, vendor: str = "", **fields: Any) -> str:
        """Return the id of a new product, of the first vendor unless told otherwise."""
        return self.catalog.add_product(vendor=vendor or self.vendor, **fields)

    def quote_request(
        self,
        *wanted: tuple[str, int],
        promos: Sequence[tuple[str, str]] = (),
        tokens: Sequence[str] = (),
        buyer: str = "",
    ) -> cart_service_pb2.QuoteCartRequest:
        """Return a request for (product id, quantity) pairs, each at the vendor who has the product."""
        return cart_service_pb2.QuoteCartRequest(
            buyer_store_id=buyer or self.buyer,
            items=[
                cart_service_pb2.CartIntentItem(
                    product_id=product,
                    vendor_store_id=self.catalog.products[product].vendor_store_id,
                    quantity=quantity,
                )
                for product, quantity in wanted
            ],
            vendor_promos=[cart_service_pb2.VendorPromo(vendor_store_id=v, code=code) for v, code in promos],
            attribution_tokens=tokens,
        )

    def quote(self, *wanted: tuple[str, int], **options: Any) -> cart_pb2.CartQuote:
        """Quote (product id, quantity) pairs for the buyer; one unit of a new product if nothing is named."""
        return self.send_quote(self.quote_request(*(wanted or ((self.product(), 1),)), **options))

    def send_quote(self, request: cart_service_pb2.QuoteCartRequest, token: str = "") -> cart_pb2.CartQuote:
        """Send a quote request as the buyer."""
        quote: cart_pb2.CartQuote = self.mesh.write(self.carts.QuoteCart, request, token=token or self.buyer_token)
        return quote

    def checkout_request(self, cart_id: str, **fields: Any) -> cart_service_pb2.CheckoutRequest:
        """Return a request with cash and a valid address."""
        values: dict[str, Any] = {"shipping_address": address(), "payment_method": CASH, **fields}
        if "quote_version" not in values:
            values["quote_version"] = self.quote_version(cart_id)
        return cart_service_pb2.CheckoutRequest(cart_id=cart_id, **values)

    def quote_version(self, cart_id: str) -> str:
        """Return the version of what is in a cart now, as a buyer who has just read it knows."""
        sql = "SELECT quote_version FROM cart_records WHERE CAST(id AS text) = :id"
        rows = self.mesh.rows("commerce", sql, id=cart_id)
        return str(rows[0].quote_version) if rows else "unknown"

    def checkout(self, cart_id: str = "", *, key: str = "", token: str = "", **fields: Any) -> Any:
        """Check a cart out as the buyer; a new one with one unit of a new product if none is named."""
        request = self.checkout_request(cart_id or self.quote().id, **fields)
        call_key = key or uuid.uuid4().hex
        return self.mesh.call(self.carts.Checkout, request, token=token or self.buyer_token, key=call_key)[0]

    def order(self, *wanted: tuple[str, int], **options: Any) -> order_pb2.Order:
        """Return the one order of a fresh checkout of (product id, quantity) pairs."""
        (order,) = self.checkout(self.quote(*wanted, **options).id).vendor_orders
        return order

    def decide(self, order_id: str, decision: str, *, token: str = "") -> order_pb2.Order:
        """Decide an order as its vendor: `accept` or `reject`."""
        value = order_service_pb2.OrderDecision.Value.Value(decision)
        request = order_service_pb2.DecideOrderRequest(order_id=order_id, decision=value)
        order: order_pb2.Order = self.mesh.write(self.orders.DecideOrder, request, token=token or self.vendor_token)
        return order

    def decide_line(self, order_id: str, line_id: str, decision: str, *, notes: str = "") -> order_pb2.Order:
        """Decide a line as the vendor: `accept`, `fulfill` or `reject`."""
        request = order_service_pb2.DecideLineItemRequest(
            order_id=order_id,
            line_item_id=line_id,
            decision=order_service_pb2.LineDecision.Value.Value(decision),
            notes=notes,
        )
        order: order_pb2.Order = self.mesh.write(self.orders.DecideLineItem, request, token=self.vendor_token)
        return order

    def fulfill(self, order_id: str, *, token: str = "") -> order_pb2.Order:
        """Pack an order as its vendor."""
        request = order_service_pb2.FulfillOrderRequest(order_id=order_id)
        order: order_pb2.Order = self.mesh.write(self.orders.FulfillOrder, request, token=token or self.vendor_token)
        return order

    def cancel(self, order_id: str, *, reason: str = "", token: str = "") -> order_pb2.Order:
        """Cancel an order as its buyer."""
        request = order_service_pb2.CancelOrderRequest(order_id=order_id, reason=reason)
        order: order_pb2.Order = self.mesh.write(self.orders.CancelOrder, request, token=token or self.buyer_token)
        return order

    def advance(self, order_id: str, step: str, *, agent: str = "") -> order_pb2.Order:
        """Move an order along its delivery, as fulfillment does: `pickup` or `deliver`; one agent does unless told."""
        request = commerce_internal_service_pb2.AdvanceDeliveryRequest(
            order_id=order_id,
            step=commerce_internal_service_pb2.DeliveryStep.Value.Value(step),
            agent_user_id=agent or self.agent,
        )
        token = self.mesh.service_token("fulfillment")
        order: order_pb2.Order = self.mesh.call(self.internal.AdvanceDelivery, request, token=token)[0]
        return order

    def read(self, order_id: str, *, token: str = "") -> order_pb2.Order:
        """Read an order as its vendor."""
        request = order_service_pb2.GetOrderRequest(order_id=order_id)
        order: order_pb2.Order = self.mesh.read(self.orders.GetOrder, request, token=token or self.vendor_token)
        return order

    def listed(self, order_id: str, *, token: str = "") -> order_pb2.Order:
        """Return an order as the vendor's list shows it."""
        request = order_service_pb2.ListOrdersRequest(limit=100)
        answer = self.mesh.read(self.orders.ListOrders, request, token=token or self.vendor_token)
        return next(order for order in answer.items if order.order_id == order_id)

    def nudge(self, order_id: str, *, token: str = "") -> order_service_pb2.NudgeOrderResponse:
        """Remind the vendor, as the buyer."""
        request = order_service_pb2.NudgeOrderRequest(order_id=order_id)
        answer: order_service_pb2.NudgeOrderResponse = self.mesh.write(
            self.orders.NudgeOrder, request, token=token or self.buyer_token
        )
        return answer

    def retry(
        self, order_id: str, *, accept_total_cents: int | None = None, token: str = "", key: str = ""
    ) -> order_service_pb2.RetryOrderResponse:
        """Buy an expired order again, as the buyer."""
        request = order_service_pb2.RetryOrderRequest(order_id=order_id, accept_total_cents=accept_total_cents)
        answer: order_service_pb2.RetryOrderResponse = self.mesh.call(
            self.orders.RetryOrder, request, token=token or self.buyer_token, key=key or uuid.uuid4().hex
        )[0]
        return answer

    def policy(self, nudge_days: int, expiry_days: int) -> order_service_pb2.OrderPolicy:
        """Let the vendor choose how long its orders wait."""
        request = order_service_pb2.SetOrderPolicyRequest(nudge_after_days=nudge_days, expire_after_days=expiry_days)
        policy: order_service_pb2.OrderPolicy = self.mesh.write(
            self.orders.SetOrderPolicy, request, token=self.vendor_token
        )
        return policy

    def end_lifetimes(self) -> tuple[int, int]:
        """Run the lifetime job once; returns how many orders expired and of how many vendors were reminded."""
        with self.mesh.transaction("commerce") as tx:
            return end_lifetimes(tx, usual=Lifetime(5, 10))

    def expire(self, order_id: str) -> order_pb2.Order:
        """Let ten days pass and the job find everything that is due; returns the expired order."""
        self.mesh.clock.advance(timedelta(days=10))
        while any(self.end_lifetimes()):
            pass
        # The job ends other tests' orders as well, which nobody else here has heard of.
        with self.mesh.transaction("commerce") as tx:
            tx.execute(_FORGET_OTHERS, {"now": tx.now, "order": order_id})
        return self.read(order_id)

    def finance(self, event: str, order_id: str, **fields: Any) -> None:
        """Let finance report on an order's money: `CashCollected`, `PaymentFailed`, `OrderPaid` and so on."""
        self.mesh.deliver("commerce", getattr(finance, event)(order_id=order_id, **fields))

    def closed(self) -> order_pb2.Order:
        """Return an order of 1000 cents whose vendor was paid now."""
        order = self.packed((self.product(), 1))
        for step in ("pickup", "deliver"):
            self.advance(order.order_id, step)
        self.finance("CashCollected", order.order_id)
        self.finance("OrderPaid", order.order_id, vendor_paid_at=self.mesh.clock.now())
        return self.read(order.order_id)

    def packed(self, *wanted: tuple[str, int]) -> order_pb2.Order:
        """Return an order that waits for its agent."""
        order = self.order(*wanted)
        self.decide(order.order_id, "accept")
        return self.fulfill(order.order_id)

    def events(self, order_id: str) -> list[Message]:
        """Return what was announced about an order or a checkout, oldest first."""
        rows = self.mesh.rows(
            "commerce", "SELECT type, payload FROM outbox WHERE ordering_key = :key ORDER BY seq", key=order_id
        )
        return [_EVENTS[row.type].FromString(bytes(row.payload)) for row in rows]

    def forget_events(self) -> None:
        """Count everything announced so far as published: nobody else shall hear of it."""
        with self.mesh.transaction("commerce") as tx:
            tx.execute(text("UPDATE outbox SET published_at = :now WHERE published_at IS NULL"), {"now": tx.now})

    def prove(self) -> list[str]:
        """Return the violated invariants of everything that was done so far."""
        with self.mesh.transaction("commerce") as tx:
            return prove_orders(tx)


def _event_classes() -> dict[str, type[Message]]:
    from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
    from meshkit.events.envelope import spec_of

    classes = (
        commerce.OrderCreated,
        commerce.OrderDecided,
        commerce.OrderReadyForDispatch,
        commerce.OrderStateChanged,
        commerce.OrderCanceled,
        commerce.OrderPendingNudge,
        commerce.OrderNudged,
        commerce.OrderRetried,
        commerce.OrderExpired,
        commerce.CheckoutConverted,
    )
    return {spec_of(message.DESCRIPTOR).type: message for message in classes}


_EVENTS = _event_classes()
