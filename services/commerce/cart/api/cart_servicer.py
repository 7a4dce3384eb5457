"""CartService: quotes and checkout."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from marketmesh.commerce.v1 import cart_pb2, order_pb2
from marketmesh.commerce.v1 import cart_service_pb2 as messages
from meshkit.ids import parse_id
from services.commerce.cart.api import cart_mapping
from services.commerce.cart.domain.delivery import ShippingLine
from services.commerce.cart.domain.purchase import CheckoutRules
from services.commerce.cart.flows.quote_cart import QuoteRules, quote_cart
from services.commerce.cart.usecases.clear_cart import clear_cart
from services.commerce.cart.usecases.read_cart import read_cart
from services.commerce.checkout.api.mapping import checkout_response, set_orders
from services.commerce.checkout.usecases.begin_checkout import CheckoutTerms
from services.commerce.checkout.usecases.read_confirmation import read_confirmation
from services.commerce.orders.api.mapping import party_message

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.commerce.checkout.flows.checkout import CheckoutFlow
    from services.commerce.outbound.ports import Catalog


@dataclass(frozen=True)
class CartServicer:
    """Translates; the rules are in the use cases."""

    catalog: Catalog
    quote_rules: QuoteRules
    rules: CheckoutRules
    # The flow that the settings name.
    checkout: CheckoutFlow

    def QuoteCart(self, request: messages.QuoteCartRequest, flow: Flow) -> Message:
        return quote_cart(
            flow,
            cart_mapping.quote_request(request),
            catalog=self.catalog,
            rules=self.quote_rules,
            respond=cart_mapping.saved_quote_message,
        )

    def GetCart(self, request: messages.GetCartRequest, tx: Tx) -> cart_pb2.CartQuote:  # noqa: ARG002
        cart, items, groups = read_cart(tx, buyer_store_id=tx.principal.require_store)
        return cart_mapping.cart_message(cart, items, groups)

    def ClearCart(self, request: messages.ClearCartRequest, tx: Tx) -> messages.ClearCartResponse:  # noqa: ARG002
        clear_cart(tx, buyer_store_id=tx.principal.require_store)
        return messages.ClearCartResponse()

    def Checkout(self, request: messages.CheckoutRequest, flow: Flow) -> Message:
        return self.checkout(
            flow,
            _terms(request),
            catalog=self.catalog,
            rules=self.rules,
            respond=partial(checkout_response, request),
            restore=messages.CheckoutResponse.FromString,
        )

    def GetConfirmation(self, request: messages.GetConfirmationRequest, tx: Tx) -> messages.CheckoutResponse:
        buyer = tx.principal.require_store
        stored, orders = read_confirmation(tx, cart_or_group_id=parse_id(request.id, field="id"), buyer_store_id=buyer)
        message = messages.CheckoutResponse.FromString(stored)
        set_orders(message, (party_message(detail, reader=buyer) for detail in orders))
        return message


def _terms(request: messages.CheckoutRequest) -> CheckoutTerms:
    shipping = cart_mapping.address_document(request.shipping_address)
    line = request.shipping_line
    return CheckoutTerms(
        cart_id=uuid.UUID(request.cart_id),
        quote_version=request.quote_version,
        payment_method=order_pb2.PaymentMethod.Value.Name(request.payment_method),
        shipping_address=shipping,
        billing_address=(
            cart_mapping.address_document(request.billing_address) if request.HasField("billing_address") else shipping
        ),
        shipping_line=(
            ShippingLine(code=line.code, title=line.title, price_cents=line.price_cents)
            if request.HasField("shipping_line")
            else None
        ),
        tip_cents=request.tip_cents if request.HasField("tip_cents") else None,
        notes=request.notes,
    )
