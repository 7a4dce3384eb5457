"""Commerce, finance and media as fulfillment meets them: small real gRPC servers on the ports the mesh knows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc
from grpc_status import rpc_status

from marketmesh.commerce.v1 import commerce_internal_service_pb2, commerce_internal_service_pb2_grpc, order_pb2
from marketmesh.finance.v1 import error_reason_pb2, finance_internal_service_pb2_grpc, payment_pb2
from marketmesh.media.v1 import error_reason_pb2 as media_reasons
from marketmesh.media.v1 import media_internal_service_pb2, media_internal_service_pb2_grpc, media_service_pb2
from meshkit.errors import MeshError, NotFound, StateConflict, ValidationError
from meshkit.grpc import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.mesh_harness import MeshHarness

Status = order_pb2.OrderStatus.Value
_MEDIA = media_reasons.DESCRIPTOR.enum_types_by_name["ErrorReason"]
_FINANCE = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class OrderStateInvalid(MeshError):
    """What commerce says to a wrong step."""

    reason, code, domain, fix, retryable = "ORDER_STATE_INVALID", "FAILED_PRECONDITION", "", "", False


class PaymentMismatch(MeshError, enum=_FINANCE, reason="PAYMENT_MISMATCH"):
    """What finance says to a wrong sum."""


class CashCollectedOtherwise(MeshError, enum=_FINANCE, reason="CASH_COLLECTED_OTHERWISE"):
    """What finance says to another sum or agent than it has on record."""


class PaymentFinal(MeshError, enum=_FINANCE, reason="PAYMENT_FINAL"):
    """What finance says after a failure."""


class TooManyOpenUploads(MeshError, enum=_MEDIA, reason="TOO_MANY_OPEN_UPLOADS"):
    """What media says to an agent who announced more than came."""


@dataclass
class Commerce(commerce_internal_service_pb2_grpc.CommerceInternalServiceServicer):
    """Keeps orders; moves them as the delivery table says."""

    orders: dict[str, order_pb2.Order] = field(default_factory=dict)
    is_away: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    # Called when an answer is about to leave: it may get lost on its way.
    answering: Callable[[grpc.ServicerContext], None] = lambda _: None
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    # How many seconds were left for each reading of several orders.
    patience: list[float] = field(default_factory=list)

    def GetOrderForDelivery(self, request: Any, context: grpc.ServicerContext) -> order_pb2.Order:
        """Return the order."""
        return self._find(request.order_id, context)

    def ListOrdersForDelivery(
        self, request: Any, context: grpc.ServicerContext
    ) -> commerce_internal_service_pb2.ListOrdersForDeliveryResponse:
        """Return those orders that exist, or nothing while `is_away`."""
        self.patience.append(context.time_remaining())
        if self.is_away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        found = [self.orders[order_id] for order_id in request.order_ids if order_id in self.orders]
        return commerce_internal_service_pb2.ListOrdersForDeliveryResponse(orders=found)

    def AdvanceDelivery(self, request: Any, context: grpc.ServicerContext) -> order_pb2.Order:
        """Move the order; where it is already is fine."""
        order = self._find(request.order_id, context)
        step = commerce_internal_service_pb2.DeliveryStep.Value.Name(request.step)
        allowed, target = {
            "pickup": (("hold", "ready_for_dispatch", "hold_for_pickup"), "in_transit"),
            "deliver": (("in_transit",), "delivered"),
        }[step]
        state, steps = Status.Name(order.status), order.delivery_steps
        taken_by = f"{'picked_up' if step == 'pickup' else 'delivered'}_by_user_id"
        if not getattr(steps, taken_by):
            if state not in allowed:
                _abort(context, OrderStateInvalid(state=state, allowed=", ".join(allowed)), "commerce")
            order.status = Status.Value(target)
            order.shipping_status = order_pb2.ShippingStatus.Value.Value(target)
            order.version += 1
            setattr(steps, taken_by, request.agent_user_id)
            (steps.picked_up_at if step == "pickup" else steps.delivered_at).FromDatetime(self.now())
        elif getattr(steps, taken_by) != request.agent_user_id:
            _abort(context, OrderStateInvalid(state=f"{state} ({step} by another agent)", allowed=""), "commerce")
        self.steps.append((order.order_id, step, request.agent_user_id))
        self.answering(context)
        return order

    def _find(self, order_id: str, context: grpc.ServicerContext) -> order_pb2.Order:
        if order_id not in self.orders:
            _abort(context, NotFound(), "commerce")
        return self.orders[order_id]


@dataclass
class Finance(finance_internal_service_pb2_grpc.FinanceInternalServiceServicer):
    """Takes the exact sum once; remembers every request."""

    requests: list[Any] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    collected: dict[str, payment_pb2.PaymentIntent] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    answering: Callable[[grpc.ServicerContext], None] = lambda _: None

    def GetPayment(self, request: Any, context: grpc.ServicerContext) -> payment_pb2.PaymentIntent:  # noqa: ARG002
        """Return what was collected, or that nothing was."""
        unpaid = payment_pb2.PaymentIntent(order_id=request.order_id, status=payment_pb2.IntentStatus.Value.unpaid)
        return self.collected.get(request.order_id, unpaid)

    def CollectCash(self, request: Any, context: grpc.ServicerContext) -> payment_pb2.PaymentIntent:
        """Settle."""
        self.requests.append(request)
        known = self.collected.get(request.order_id)
        if known is not None:
            if (known.amount_cents, known.collected_by_user_id) != (request.amount_cents, request.agent_user_id):
                told = {"collected_cents": str(known.amount_cents), "received_cents": str(request.amount_cents)}
                _abort(context, CashCollectedOtherwise(collected_by=known.collected_by_user_id, **told), "finance")
            self.answering(context)
            return known
        if request.order_id in self.failed:
            _abort(context, PaymentFinal(state="failed"), "finance")
        if request.amount_cents != request.order_total_cents:
            self.failed.add(request.order_id)
            refusal = PaymentMismatch(
                "The money does not fit the order.",
                expected_cents=str(request.order_total_cents),
                received_cents=str(request.amount_cents),
            )
            _abort(context, refusal, "finance")
        intent = payment_pb2.PaymentIntent(
            order_id=request.order_id,
            status=payment_pb2.IntentStatus.Value.settled,
            amount_cents=request.amount_cents,
            collected_by_user_id=request.agent_user_id,
        )
        intent.cash_collected_at.FromDatetime(self.now())
        self.collected[request.order_id] = intent
        self.answering(context)
        return intent


@dataclass
class Media(media_internal_service_pb2_grpc.MediaInternalServiceServicer):
    """Announces files and attaches those whose bytes have come."""

    announced: dict[str, Any] = field(default_factory=dict)
    uploaded: set[str] = field(default_factory=set)
    attached: dict[str, list[str]] = field(default_factory=dict)
    is_full: bool = False

    def PresignForStore(self, request: Any, context: grpc.ServicerContext) -> media_service_pb2.PresignUploadResponse:
        """Announce."""
        if not request.mime_type.startswith("image/"):
            _abort(context, ValidationError.of("mime_type", "must be one of images"), "media")
        if self.is_full:
            _abort(context, TooManyOpenUploads("You have 50 announced files.", limit="50"), "media")
        self.announced[request.media_id] = request
        return media_service_pb2.PresignUploadResponse(
            media_id=request.media_id, signed_put_url=f"put:{request.media_id}", content_type=request.mime_type
        )

    def ReconcileAttachments(
        self, request: Any, context: grpc.ServicerContext
    ) -> media_internal_service_pb2.ReconcileAttachmentsResponse:
        """Attach."""
        if not self.uploaded.issuperset(request.media_ids):
            _abort(context, StateConflict("The file is pending.", state="pending"), "media")
        assert all(self.announced[media_id].store_id == request.store_id for media_id in request.media_ids)
        self.attached[request.entity_id] = list(request.media_ids)
        return media_internal_service_pb2.ReconcileAttachmentsResponse()


@dataclass
class Neighbour:
    """One of them, which can be taken away and brought back."""

    servicer: Any
    add_to_server: Any
    port: int

    def start(self) -> None:
        """Answer."""
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        self.add_to_server(self.servicer, self._server)
        assert self._server.add_insecure_port(f"127.0.0.1:{self.port}") == self.port
        self._server.start()

    def stop(self) -> None:
        """Be away."""
        self._server.stop(0).wait(5)


@dataclass
class Neighbours:
    """Commerce, finance and media."""

    commerce: Neighbour
    finance: Neighbour
    media: Neighbour


def neighbours(mesh: MeshHarness) -> Iterator[Neighbours]:
    """Run all while the generator is open."""
    them = Neighbours(
        Neighbour(
            Commerce(now=mesh.clock.now),
            commerce_internal_service_pb2_grpc.add_CommerceInternalServiceServicer_to_server,
            mesh._ports.grpc["commerce"],
        ),
        Neighbour(
            Finance(now=mesh.clock.now),
            finance_internal_service_pb2_grpc.add_FinanceInternalServiceServicer_to_server,
            mesh._ports.grpc["finance"],
        ),
        Neighbour(
            Media(),
            media_internal_service_pb2_grpc.add_MediaInternalServiceServicer_to_server,
            mesh._ports.grpc["media"],
        ),
    )
    for each in (them.commerce, them.finance, them.media):
        each.start()
    for name in ("commerce", "finance", "media"):
        mesh._wait_until_reached(name)
    yield them
    for each in (them.commerce, them.finance, them.media):
        each.stop()


def _abort(context: grpc.ServicerContext, error: MeshError, service: str) -> None:
    context.abort_with_status(rpc_status.to_status(wire.status_of(error, service=service)))
