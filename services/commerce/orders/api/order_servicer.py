"""OrderService: orders, seen by both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import order_pb2
from marketmesh.commerce.v1 import order_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from meshkit.messages import set_time
from services.commerce.orders.api import mapping
from services.commerce.orders.api.order_filters import order_filter
from services.commerce.orders.flows.retry_order import retry_order
from services.commerce.orders.usecases.cancel_order import cancel_order
from services.commerce.orders.usecases.decide_line_item import decide_line_item
from services.commerce.orders.usecases.decide_order import decide_order
from services.commerce.orders.usecases.fulfill_order import fulfill_order
from services.commerce.orders.usecases.list_orders import list_orders
from services.commerce.orders.usecases.nudge_order import nudge_order
from services.commerce.orders.usecases.read_order import read_order_detail
from services.commerce.orders.usecases.read_order_policy import read_order_policy
from services.commerce.orders.usecases.set_internal_notes import set_internal_notes
from services.commerce.orders.usecases.set_order_policy import set_order_policy

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.commerce.cart.domain.purchase import CheckoutRules
    from services.commerce.orders.domain.lifetime import Lifetime
    from services.commerce.orders.usecases.price_retry import Retry
    from services.commerce.outbound.ports import Catalog


@dataclass(frozen=True)
class OrderServicer:
    """Translates; the rules are in the use cases."""

    usual_lifetime: Lifetime
    catalog: Catalog
    rules: CheckoutRules

    def ListOrders(self, request: messages.ListOrdersRequest, tx: Tx) -> messages.ListOrdersResponse:
        page, is_vendor, store_id = Page.of(request), tx.principal.store_type == "vendor", tx.principal.require_store
        rows, following = list_orders(
            tx,
            store_id=store_id,
            is_vendor=is_vendor,
            page=page,
            wanted=order_filter(request, is_vendor=is_vendor),
        )
        return messages.ListOrdersResponse(
            items=[mapping.party_message(detail, reader=store_id) for detail in rows],
            next_cursor=following,
            pagination=page.pagination(following),
        )

    def GetOrder(self, request: messages.GetOrderRequest, tx: Tx) -> order_pb2.Order:
        order_id, store_id = parse_id(request.order_id, field="order_id"), tx.principal.require_store
        return mapping.party_message(read_order_detail(tx, order_id=order_id, party=store_id), reader=store_id)

    def CancelOrder(self, request: messages.CancelOrderRequest, tx: Tx) -> order_pb2.Order:
        order_id = parse_id(request.order_id, field="order_id")
        return mapping.order_message(*cancel_order(tx, order_id=order_id, reason=request.reason))

    def NudgeOrder(self, request: messages.NudgeOrderRequest, tx: Tx) -> messages.NudgeOrderResponse:
        again = nudge_order(tx, order_id=parse_id(request.order_id, field="order_id"))
        message = messages.NudgeOrderResponse(order_id=request.order_id)
        set_time(message.possible_again_at, again)
        return message

    def RetryOrder(self, request: messages.RetryOrderRequest, flow: Flow) -> Message:
        return retry_order(
            flow,
            parse_id(request.order_id, field="order_id"),
            accepted_cents=request.accept_total_cents if request.HasField("accept_total_cents") else None,
            catalog=self.catalog,
            rules=self.rules,
            respond=_retried,
            restore=messages.RetryOrderResponse.FromString,
        )

    def DecideOrder(self, request: messages.DecideOrderRequest, tx: Tx) -> order_pb2.Order:
        order_id = parse_id(request.order_id, field="order_id")
        accept = request.decision == messages.OrderDecision.accept
        decided = decide_order(tx, order_id=order_id, accept=accept)
        return mapping.order_message(*decided, reader=tx.principal.require_store)

    def DecideLineItem(self, request: messages.DecideLineItemRequest, tx: Tx) -> order_pb2.Order:
        decided = decide_line_item(
            tx,
            order_id=parse_id(request.order_id, field="order_id"),
            line_item_id=parse_id(request.line_item_id, field="line_item_id"),
            accept=request.decision != messages.LineDecision.reject,
            notes=request.notes,
        )
        return mapping.order_message(*decided, reader=tx.principal.require_store)

    def FulfillOrder(self, request: messages.FulfillOrderRequest, tx: Tx) -> order_pb2.Order:
        order_id = parse_id(request.order_id, field="order_id")
        return mapping.order_message(*fulfill_order(tx, order_id=order_id), reader=tx.principal.require_store)

    def SetInternalNotes(self, request: messages.SetInternalNotesRequest, tx: Tx) -> order_pb2.Order:
        order_id = parse_id(request.order_id, field="order_id")
        noted = set_internal_notes(tx, order_id=order_id, notes=request.internal_notes)
        return mapping.order_message(*noted, reader=tx.principal.require_store)

    def GetOrderPolicy(self, request: messages.GetOrderPolicyRequest, tx: Tx) -> messages.OrderPolicy:  # noqa: ARG002
        lifetime, is_chosen = read_order_policy(tx, usual=self.usual_lifetime)
        return _policy(lifetime, is_chosen=is_chosen)

    def SetOrderPolicy(self, request: messages.SetOrderPolicyRequest, tx: Tx) -> messages.OrderPolicy:
        chosen = set_order_policy(tx, nudge_days=request.nudge_after_days, expiry_days=request.expire_after_days)
        return _policy(chosen, is_chosen=True)


def _retried(retry: Retry) -> messages.RetryOrderResponse:
    order = retry.order
    return messages.RetryOrderResponse(
        order_id=str(order.id),
        checkout_group_id=str(order.checkout_group_id),
        order=mapping.order_message(order, retry.lines),
    )


def _policy(lifetime: Lifetime, *, is_chosen: bool) -> messages.OrderPolicy:
    return messages.OrderPolicy(
        nudge_after_days=lifetime.nudge_days, expire_after_days=lifetime.expiry_days, chosen=is_chosen
    )
