"""What commerce's events, agents and administrators do with deliveries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from marketmesh.commerce.events.v1 import commerce_events_pb2 as commerce
from marketmesh.commerce.v1 import order_pb2
from marketmesh.fulfillment.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    delivery_code_service_pb2,
    delivery_code_service_pb2_grpc,
    delivery_service_pb2,
    delivery_service_pb2_grpc,
)
from marketmesh.identity.events.v1 import identity_events_pb2 as identity
from tests.finance.snapshots import order_snapshot

if TYPE_CHECKING:
    from tests.fulfillment.neighbours import Neighbours
    from tests.support.mesh_harness import MeshHarness


@dataclass
class Deliveries:
    """Agents and orders of this test."""

    mesh: MeshHarness

    def __post_init__(self) -> None:
        self.agents = self.mesh.stub(delivery_service_pb2_grpc.AgentServiceStub, "fulfillment")
        self.admin = self.mesh.stub(admin_service_pb2_grpc.FulfillmentAdminServiceStub, "fulfillment")
        self.admin_id = uuid.uuid4()
        # Agents and orders of other tests would be drawn and queued.
        with self.mesh.as_owner("fulfillment") as tx:
            tx.execute(text("DELETE FROM proof_uploads"))
            tx.execute(text("DELETE FROM order_assignments"))
            tx.execute(text("DELETE FROM deliveries"))
            tx.execute(text("DELETE FROM agents"))

    def agent(self) -> uuid.UUID:
        """Report a new agent."""
        user_id = uuid.uuid4()
        self.mesh.deliver("fulfillment", identity.AgentCreated(user_id=str(user_id)))
        return user_id

    def ready(self, **changes: Any) -> commerce.OrderSnapshot:
        """Report an order that can be dispatched."""
        fields = {"status": "hold", "hold_reason": "awaiting_pickup", "shipping_status": "dispatched", "version": 3}
        order = order_snapshot(**{**fields, **changes})
        self.mesh.deliver("fulfillment", commerce.OrderReadyForDispatch(order_id=order.order_id, order=order))
        return order

    def known(self, around: Neighbours, order: commerce.OrderSnapshot, **changes: Any) -> order_pb2.Order:
        """Let the fake commerce know an order as its event told it."""
        message = order_pb2.Order(
            order_id=order.order_id,
            status=order_pb2.OrderStatus.Value.Value(order.status),
            total_cents=order.total_cents,
            currency=order.currency,
            version=order.version,
        )
        message.MergeFrom(order_pb2.Order(**changes))
        around.commerce.servicer.orders[order.order_id] = message
        return message

    def taken(self, around: Neighbours, **changes: Any) -> tuple[uuid.UUID, commerce.OrderSnapshot]:
        """Report an agent and an order; the agent gets it."""
        agent = self.agent()
        order = self.ready(**changes)
        self.known(around, order)
        return agent, order

    def assign(self, order_id: str, agent: uuid.UUID) -> delivery_service_pb2.Delivery:
        """Give an order to an agent as an administrator."""
        request = admin_service_pb2.AssignAgentRequest(
            order_id=order_id, agent_user_id=str(agent), reason="knows the way"
        )
        answer: delivery_service_pb2.Delivery = self.mesh.write(
            self.admin.AssignAgent, request, token=self.mesh.admin_token(self.admin_id)
        )
        return answer

    def act(self, step: str, agent: uuid.UUID, order_id: str, *, key: str = "", **fields: Any) -> Any:
        """Take a step as an agent: PickUp, Deliver, CollectCash."""
        request = getattr(delivery_service_pb2, f"{step}Request")(order_id=order_id, **fields)
        return self.mesh.call(
            getattr(self.agents, step), request, token=self.mesh.agent_token(agent), key=key or uuid.uuid4().hex
        )[0]

    def collect(self, agent: uuid.UUID, order_id: str, *, amount_cents: int = 12_345, key: str = "") -> Any:
        """Take an order's cash as an agent."""
        return self.act("CollectCash", agent, order_id, key=key, amount_cents=amount_cents, currency="USD")

    def picked_up(self, around: Neighbours, **changes: Any) -> tuple[uuid.UUID, commerce.OrderSnapshot]:
        """Bring an order on its way."""
        agent, order = self.taken(around, **changes)
        self.act("PickUp", agent, order.order_id)
        return agent, order

    def deliver(self, agent: uuid.UUID, order_id: str, *, key: str = "", **proof: Any) -> Any:
        """Deliver as an agent, with a proof."""
        return self.act(
            "Deliver", agent, order_id, key=key, proof=delivery_service_pb2.ProofOfDelivery(**proof) if proof else None
        )

    def upload(self, around: Neighbours, agent: uuid.UUID, order_id: str, *, kind: str = "photo") -> str:
        """Announce and upload a photo or signature; returns its media id."""
        fields = {"kind": kind, "mime_type": "image/png", "size_bytes": 10}
        answer = self.act("RequestProofUpload", agent, order_id, **fields)
        around.media.servicer.uploaded.add(answer.media_id)
        return str(answer.media_id)

    def code(self, order: commerce.OrderSnapshot, *, store_id: str = "") -> str:
        """Read an order's delivery code as its buyer, or as another store."""
        stub = self.mesh.stub(delivery_code_service_pb2_grpc.DeliveryCodeServiceStub, "fulfillment")
        answer = self.mesh.read(
            stub.GetDeliveryCode,
            delivery_code_service_pb2.GetDeliveryCodeRequest(order_id=order.order_id),
            token=self.mesh.store_token(store_id or order.buyer_store_id, store_type="buyer"),
        )
        return str(answer.code)

    def administer(self, method: str, **fields: Any) -> Any:
        """Do something as an administrator."""
        request = getattr(admin_service_pb2, f"{method}Request")(**fields)
        token, key = self.mesh.admin_token(self.admin_id), "" if method.startswith("Get") else uuid.uuid4().hex
        return self.mesh.call(getattr(self.admin, method), request, token=token, key=key)[0]

    def listed(self, method: str, agent: uuid.UUID) -> list[delivery_service_pb2.Delivery]:
        """Return the first page of a list as an agent sees it."""
        request = getattr(delivery_service_pb2, f"{method}Request")()
        return list(self.mesh.read(getattr(self.agents, method), request, token=self.mesh.agent_token(agent)).items)

    def get(self, agent: uuid.UUID, order_id: str) -> delivery_service_pb2.Delivery:
        """Read a delivery as an agent."""
        answer: delivery_service_pb2.Delivery = self.mesh.read(
            self.agents.GetDelivery,
            delivery_service_pb2.GetDeliveryRequest(order_id=order_id),
            token=self.mesh.agent_token(agent),
        )
        return answer

    def pages(self, method: str, agent: uuid.UUID, *, limit: int = 100) -> list[list[str]]:
        """Return the order ids of each page of a list as an agent sees it."""
        pages, cursor = [], ""
        while True:
            request = getattr(delivery_service_pb2, f"{method}Request")(limit=limit, cursor=cursor)
            answer = self.mesh.read(getattr(self.agents, method), request, token=self.mesh.agent_token(agent))
            pages.append([item.order_id for item in answer.items])
            cursor = answer.next_cursor
            if not cursor:
                return pages

    def assignments(self, order_id: str) -> list[Any]:
        """Return an order's assignments, oldest first."""
        sql = "SELECT * FROM order_assignments WHERE order_id = CAST(:id AS uuid) ORDER BY assigned_at, active"
        return self.mesh.rows("fulfillment", sql, id=order_id)

    def row(self, order_id: str) -> Any:
        """Return a delivery's row."""
        return self.mesh.rows(
            "fulfillment", "SELECT * FROM deliveries WHERE order_id = CAST(:id AS uuid)", id=order_id
        )[0]

    def events(self, order_id: str) -> list[str]:
        """Return the types of events about an order, oldest first."""
        sql = "SELECT type FROM outbox WHERE ordering_key = :id ORDER BY seq"
        return [row.type for row in self.mesh.rows("fulfillment", sql, id=order_id)]
