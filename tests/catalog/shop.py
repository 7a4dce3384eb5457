"""A vendor with products, a buyer who may see them, and what commerce does in between."""

from __future__ import annotations

import string
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from marketmesh.catalog.v1 import catalog_internal_service_pb2 as internal
from marketmesh.catalog.v1 import catalog_internal_service_pb2_grpc as internal_stubs
from marketmesh.catalog.v1 import inventory_service_pb2_grpc as inventory_stubs
from marketmesh.catalog.v1 import product_pb2
from marketmesh.catalog.v1 import product_service_pb2 as messages
from marketmesh.catalog.v1 import product_service_pb2_grpc as stubs
from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from services.catalog.stock.jobs.settle_reservations import ReservationSweep
from tests.support.statements import recorded_statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from meshkit.call import Call
    from tests.support.mesh_harness import MeshHarness

# Each shop lives in a state of its own, so that tests do not see each other's products.
_STATES = (first + second for first in string.ascii_uppercase for second in string.ascii_uppercase)


@dataclass
class Shop:
    """One vendor store and one buyer store of the same state."""

    mesh: MeshHarness
    vendor_id: uuid.UUID = field(default_factory=uuid.uuid4)
    buyer_id: uuid.UUID = field(default_factory=uuid.uuid4)
    state: str = field(default_factory=lambda: next(_STATES))

    @cached_property
    def products(self) -> Any:
        """Return a client of the public service."""
        return self.mesh.stub(stubs.ProductServiceStub, "catalog")

    @cached_property
    def stock(self) -> Any:
        """Return a client of the vendor's stock service."""
        return self.mesh.stub(inventory_stubs.InventoryServiceStub, "catalog")

    @cached_property
    def internal(self) -> Any:
        """Return a client of the service for the mesh."""
        return self.mesh.stub(internal_stubs.CatalogInternalServiceStub, "catalog")

    @property
    def vendor(self) -> str:
        """Return a token of the vendor's owner."""
        return self.mesh.store_token(self.vendor_id)

    @property
    def buyer(self) -> str:
        """Return a token of the buyer's owner."""
        return self.mesh.store_token(self.buyer_id, store_type="buyer")

    def open(self) -> None:
        """Tell catalog that both may trade."""
        self.gate(self.vendor_id)
        self.gate(self.buyer_id, type="buyer", subscription_active=False)

    def gate(self, store_id: uuid.UUID, *, version: int = 1, **changes: Any) -> None:
        """Deliver what identity says about a store."""
        facts = {"type": "vendor", "name": "Green Co", "state": self.state, "kyc_status": "verified"}
        facts |= {"subscription_active": True, **changes}
        self.mesh.deliver("catalog", identity.StoreGateChanged(store_id=str(store_id), version=version, **facts))

    def wait_for_a_waiter(self) -> None:
        """Return once somebody waits for a lock of catalog."""
        self.mesh.wait_for_a_waiter("catalog")

    def request(self, **changes: Any) -> messages.CreateProductRequest:
        """Return a product nobody has created before."""
        facts = {
            "sku": f"SKU-{uuid.uuid4().hex[:8]}",
            "title": "Blue Dream",
            "category": "flower",
            "unit": "gram",
            "feelings": ["happy"],
            "flavors": ["citrus"],
            "usage": ["sleep"],
            "moq": 1,
            "price_cents": 1000,
            "inventory": product_pb2.Inventory(available_qty=10, low_stock_threshold=2),
        }
        return messages.CreateProductRequest(**{**facts, **changes})

    def create(self, *, available: int = 10, token: str = "", **changes: Any) -> product_pb2.Product:
        """Create a product."""
        request = self.request(inventory=product_pb2.Inventory(available_qty=available), **changes)
        answer: product_pb2.Product = self.mesh.write(self.products.CreateProduct, request, token=token or self.vendor)
        return answer

    def product(self, *, available: int = 10, **changes: Any) -> uuid.UUID:
        """Create a product; returns its id."""
        return uuid.UUID(self.create(available=available, **changes).summary.id)

    def spell(self, sku: str, *, as_before: str) -> None:
        """Give a product a SKU as code of before took it."""
        statement = text("UPDATE products SET sku = :before WHERE store_id = :store_id AND sku = :sku")
        with self.mesh.as_owner("catalog") as tx:
            tx.execute(statement, {"before": as_before, "store_id": self.vendor_id, "sku": sku})

    def listed(self, *, token: str = "", **filters: Any) -> list[str]:
        """Return the titles that the buyer sees."""
        request = messages.ListProductsRequest(**filters)
        answer = self.mesh.read(self.products.ListProducts, request, token=token or self.buyer)
        return [item.title for item in answer.items]

    def inventory(self, product_id: uuid.UUID) -> tuple[int, int, int, int]:
        """Return available, reserved, consumed, received."""
        row = self.mesh.rows("catalog", "SELECT * FROM inventory_items WHERE product_id = :id", id=product_id)[0]
        return row.available_qty, row.reserved_qty, row.consumed_qty, row.received_qty

    def reserve(self, checkout: Checkout, *, expires_in_s: int = 900) -> internal.ReserveResponse:
        """Reserve a checkout's lines."""
        answer: internal.ReserveResponse
        answer, _ = self.mesh.call(
            self.internal.Reserve, checkout.request(expires_in_s), token=self.mesh.service_token()
        )
        return answer

    def release(self, checkout: Checkout) -> int:
        """Release a checkout's group."""
        request = internal.ReleaseGroupRequest(group_id=str(checkout.group_id))
        answer, _ = self.mesh.call(self.internal.ReleaseGroup, request, token=self.mesh.service_token())
        released: int = answer.released
        return released

    def expire(self, *, bought: Collection[uuid.UUID] = ()) -> int:
        """Settle what is past its time, `bought` being the groups that became orders."""
        sweep = ReservationSweep(self.mesh.process("catalog").transactions, Bought(set(bought)), 60)
        return sweep.settle_due()

    def states(self, checkout: Checkout) -> list[str]:
        """Return the state of each line, in the order of the checkout."""
        sql = "SELECT line_id, state FROM reservations WHERE group_id = :id"
        states = {row.line_id: row.state for row in self.mesh.rows("catalog", sql, id=checkout.group_id)}
        return [states[line_id] for line_id, _, _ in checkout.lines]

    def released_lines(self, checkout: Checkout) -> list[tuple[str, str]]:
        """Return line and state of each announced release of a checkout."""
        from marketmesh.catalog.events.v1 import catalog_events_pb2

        events = self.mesh.events("catalog", catalog_events_pb2.ReservationReleased)
        return [(event.line_id, event.state) for event in events if event.group_id == str(checkout.group_id)]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the SQL statements that catalog runs."""
        statements: list[str] = []
        with recorded_statements(self.mesh.process("catalog").database) as sessions:
            yield statements
        statements.extend(statement for session in sessions for statement in session)


@dataclass
class Bought:
    """Commerce, as the sweep asks it."""

    groups: set[uuid.UUID]
    asked: list[uuid.UUID] = field(default_factory=list)

    def settle(self, call: Call, group_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:  # noqa: ARG002
        """Return the groups that became orders."""
        self.asked += group_ids
        return self.groups & set(group_ids)


@dataclass
class Checkout:
    """A checkout group with one order: lines are (line id, product, quantity)."""

    lines: list[tuple[uuid.UUID, uuid.UUID, int]]
    group_id: uuid.UUID = field(default_factory=uuid.uuid4)
    order_id: uuid.UUID = field(default_factory=uuid.uuid4)

    @classmethod
    def of(cls, *wanted: tuple[uuid.UUID, int]) -> Checkout:
        """Return a checkout of products and quantities."""
        return cls([(uuid.uuid4(), product_id, quantity) for product_id, quantity in wanted])

    def request(self, expires_in_s: int = 900) -> internal.ReserveRequest:
        """Return what commerce asks for."""
        return internal.ReserveRequest(
            group_id=str(self.group_id),
            expires_in_s=expires_in_s,
            lines=[
                internal.ReserveLine(
                    line_id=str(line_id), order_id=str(self.order_id), product_id=str(product_id), quantity=quantity
                )
                for line_id, product_id, quantity in self.lines
            ],
        )

    def order(self, status: str = "created_pending", lines: Sequence[str] = ()) -> commerce.OrderSnapshot:
        """Return the order with the status of each of its lines (`pending` unless told)."""
        statuses = [*lines, *(["pending"] * (len(self.lines) - len(lines)))]
        return commerce.OrderSnapshot(
            order_id=str(self.order_id),
            checkout_group_id=str(self.group_id),
            status=status,
            lines=[
                commerce.OrderLineSnapshot(
                    line_item_id=str(line_id), product_id=str(product_id), qty=quantity, status=line_status
                )
                for (line_id, product_id, quantity), line_status in zip(self.lines, statuses, strict=True)
            ],
        )

    def created(self, lines: Sequence[str] = ()) -> commerce.OrderCreated:
        """Return the event of the order's creation."""
        return commerce.OrderCreated(order_id=str(self.order_id), order=self.order(lines=lines))

    def decided(self, status: str, lines: Sequence[str]) -> commerce.OrderDecided:
        """Return the event of a vendor's decision."""
        return commerce.OrderDecided(order_id=str(self.order_id), order=self.order(status, lines))

    def changed(self, status: str, lines: Sequence[str] = ()) -> commerce.OrderStateChanged:
        """Return the event of another change."""
        return commerce.OrderStateChanged(order_id=str(self.order_id), order=self.order(status, lines))

    def canceled(self) -> commerce.OrderCanceled:
        """Return the event of a cancellation."""
        return commerce.OrderCanceled(order_id=str(self.order_id), order=self.order("canceled"))
