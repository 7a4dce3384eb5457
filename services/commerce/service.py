"""Composition root of commerce: read top to bottom, it is what the service is made of."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from marketmesh.commerce.v1 import (
    cart_service_pb2,
    commerce_internal_service_pb2,
    customer_service_pb2,
    order_service_pb2,
)
from meshkit.grpc.server import Servicer
from meshkit.jobs import Job
from meshkit.service import Parts, ServiceSpec, Wiring
from services.commerce.cart.api.cart_servicer import CartServicer
from services.commerce.cart.domain.purchase import CheckoutRules
from services.commerce.cart.flows.quote_cart import QuoteRules
from services.commerce.checkout.flows.checkout import CHECKOUT_FLOWS
from services.commerce.orders import events as orders_events
from services.commerce.orders.api.customer_servicer import CustomerServicer
from services.commerce.orders.api.internal_servicer import CommerceInternalServicer
from services.commerce.orders.api.order_servicer import OrderServicer
from services.commerce.orders.domain.lifetime import Lifetime
from services.commerce.orders.usecases.end_lifetimes import end_lifetimes
from services.commerce.outbound.catalog_client import CatalogClient
from services.commerce.schema import metadata
from services.commerce.settings import CommerceSettings
from services.commerce.store_gates import events as store_gate_events


def wire(parts: Parts) -> Wiring:
    """Build commerce from its settings and the chassis's parts."""
    settings = CommerceSettings()
    catalog = CatalogClient(parts.channel("catalog"))
    rules = CheckoutRules(reservation_seconds=settings.reservation_seconds, ach_enabled=settings.ach_enabled)
    lifetime = Lifetime(settings.pending_nudge_days, settings.pending_expiry_days)
    return Wiring(
        servicers=(
            Servicer(
                cart_service_pb2,
                CartServicer(
                    catalog,
                    QuoteRules(timedelta(minutes=settings.quote_minutes), settings.unverified_may_quote),
                    rules,
                    CHECKOUT_FLOWS[settings.checkout_flow],
                ),
            ),
            Servicer(order_service_pb2, OrderServicer(lifetime, catalog, rules)),
            Servicer(customer_service_pb2, CustomerServicer()),
            Servicer(commerce_internal_service_pb2, CommerceInternalServicer()),
        ),
        consumers=(*store_gate_events.consumers(), *orders_events.consumers()),
        jobs=(
            Job("end_lifetimes", timedelta(seconds=settings.lifetime_seconds), partial(end_lifetimes, usual=lifetime)),
        ),
    )


SPEC = ServiceSpec(name="commerce", metadata=metadata, database_settings=CommerceSettings, wire=wire)
