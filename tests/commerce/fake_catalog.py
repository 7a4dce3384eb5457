"""A small catalog behind the real contract, for failure injection: it keeps stock in memory and can go away.

The real one is used where nothing has to go wrong.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as messages
from marketmesh.catalog.v1 import catalog_internal_service_pb2_grpc as stubs
from marketmesh.catalog.v1 import product_pb2
from tests.support.mesh_harness import MeshHarness

if TYPE_CHECKING:
    from deploy.dev.stack import Embedded


@dataclass
class FakeCatalog(stubs.CatalogInternalServiceServicer):
    """Products, promos and reservations. `before` and `after` run around every call and may raise `Away`."""

    products: dict[str, messages.QuoteProduct] = field(default_factory=dict)
    promos: dict[tuple[str, str], int] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)
    groups: dict[str, messages.ReserveResponse] = field(default_factory=dict)
    reserved: dict[str, dict[str, int]] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] | None = None
    after: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def serve(self, port: int) -> grpc.Server:
        """Start to answer on a port of this machine."""
        server = grpc.server(ThreadPoolExecutor(16))
        stubs.add_CatalogInternalServiceServicer_to_server(self, server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        return server

    def add_product(self, *, vendor: str, stock: int = 1000, **fields: Any) -> str:
        """Add an active product with 1000 cents, moq 1 and no maximum unless told otherwise; returns its id."""
        product_id = str(uuid.uuid4())
        tiers = fields.pop("tiers", ())
        values = {"sku": product_id[:8], "title": f"Product {product_id[:4]}", "moq": 1, "price_cents": 1000, **fields}
        self.products[product_id] = messages.QuoteProduct(
            product_id=product_id,
            vendor_store_id=vendor,
            category=product_pb2.Category.flower,
            unit=product_pb2.Unit.gram,
            currency=values.pop("currency", "USD"),
            is_active=values.pop("is_active", True),
            volume_discounts=[
                product_pb2.VolumeDiscount(min_qty=quantity, discount_percent=percent) for quantity, percent in tiers
            ],
            **values,
        )
        self.stock[product_id] = stock
        return product_id

    def GetQuoteFacts(self, request: messages.GetQuoteFactsRequest, context: grpc.ServicerContext) -> Any:
        """See the contract."""
        return self._answer("GetQuoteFacts", context, lambda: self._facts(request))

    def Reserve(self, request: messages.ReserveRequest, context: grpc.ServicerContext) -> Any:
        """See the contract."""
        return self._answer("Reserve", context, lambda: self._reserve(request))

    def ReleaseGroup(self, request: messages.ReleaseGroupRequest, context: grpc.ServicerContext) -> Any:
        """See the contract."""
        return self._answer("ReleaseGroup", context, lambda: self._release(request))

    def _answer(self, name: str, context: grpc.ServicerContext, work: Callable[[], Any]) -> Any:
        self.calls.append(name)
        try:
            if self.before:
                self.before(name)
            with self._lock:
                answer = work()
            if self.after:
                self.after(name)
        except Away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        return answer

    def _facts(self, request: messages.GetQuoteFactsRequest) -> messages.GetQuoteFactsResponse:
        answer = messages.GetQuoteFactsResponse()
        for product_id in request.product_ids:
            if product_id in self.products:
                product = answer.products.add()
                product.CopyFrom(self.products[product_id])
                product.available_qty = self.stock[product_id]
        for promo in request.promos:
            amount = self.promos.get((promo.vendor_store_id, promo.code))
            if amount is not None:
                answer.promos.add(
                    vendor_store_id=promo.vendor_store_id, code=promo.code, amount_cents=amount, asked_code=promo.code
                )
        return answer

    def _reserve(self, request: messages.ReserveRequest) -> messages.ReserveResponse:
        known = self.groups.get(request.group_id)
        if known is not None:
            return known
        answer = messages.ReserveResponse()
        for line in request.lines:
            fits = self.stock.get(line.product_id, 0) >= line.quantity
            if fits:
                self.stock[line.product_id] -= line.quantity
                self.reserved.setdefault(request.group_id, {})[line.line_id] = line.quantity
            answer.lines.add(line_id=line.line_id, reserved=fits, reason="" if fits else "insufficient_inventory")
        self.groups[request.group_id] = answer
        return answer

    def _release(self, request: messages.ReleaseGroupRequest) -> messages.ReleaseGroupResponse:
        self.released.append(request.group_id)
        return messages.ReleaseGroupResponse(released=len(self.reserved.pop(request.group_id, {})))


@contextmanager
def mesh_around(service: str, stack: Embedded) -> Iterator[tuple[MeshHarness, FakeCatalog]]:
    """Yield a harness with one service that runs, whose catalog is the fake one."""
    harness, catalog = MeshHarness(stack), FakeCatalog()
    server = catalog.serve(harness._ports.grpc["catalog"])
    harness.start(service)
    yield harness, catalog
    harness.close()
    server.stop(0.1).wait()


class Away(Exception):
    """Catalog does not answer this call."""
