"""AgentService: what delivery agents do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketmesh.fulfillment.v1 import delivery_service_pb2 as messages
from meshkit.cursor import Page
from meshkit.ids import parse_id
from services.fulfillment.delivery.api import mapping
from services.fulfillment.delivery.domain.proof import Proof, ProofKind
from services.fulfillment.delivery.flows.collect_cash import Collection, collect_cash
from services.fulfillment.delivery.flows.deliver import Handover, ProofTerms, deliver
from services.fulfillment.delivery.flows.pick_up import pick_up
from services.fulfillment.delivery.flows.request_proof_upload import ProofFile, request_proof_upload
from services.fulfillment.delivery.usecases.read_goods import read_goods
from services.fulfillment.delivery.usecases.read_my_deliveries import read_my_deliveries
from services.fulfillment.delivery.usecases.read_my_delivery import read_my_delivery
from services.fulfillment.delivery.usecases.read_queue import read_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from meshkit.db.tx import Tx
    from meshkit.flow import Flow
    from services.fulfillment.delivery.data.deliveries import AnyDelivery
    from services.fulfillment.outbound.ports import Cash, Orders, Proofs


@dataclass(frozen=True)
class AgentServicer:
    """Translates; the rules are in the use cases."""

    orders: Orders
    cash: Cash
    proofs: Proofs
    terms: ProofTerms

    def ListQueue(self, request: messages.ListQueueRequest, tx: Tx) -> messages.ListDeliveriesResponse:
        page = Page.of(request)
        rows, following = read_queue(tx, page=page)
        return self._deliveries(tx, rows, page, following=following)

    def ListMyDeliveries(self, request: messages.ListMyDeliveriesRequest, tx: Tx) -> messages.ListDeliveriesResponse:
        page = Page.of(request)
        rows, following = read_my_deliveries(tx, page=page)
        return self._deliveries(tx, rows, page, following=following)

    def GetDelivery(self, request: messages.GetDeliveryRequest, tx: Tx) -> messages.Delivery:
        row = read_my_delivery(tx, order_id=parse_id(request.order_id, field="order_id"))
        return mapping.whole_delivery_message(row, read_goods(tx, [row.order_id], orders=self.orders, soon=False))

    def PickUp(self, request: messages.PickUpRequest, flow: Flow) -> Message:
        order_id = parse_id(request.order_id, field="order_id")
        return pick_up(flow, order_id=order_id, orders=self.orders, respond=mapping.delivery_message)

    def RequestProofUpload(self, request: messages.RequestProofUploadRequest, flow: Flow) -> Message:
        file = ProofFile(
            order_id=parse_id(request.order_id, field="order_id"),
            kind=ProofKind(messages.ProofKind.Value.Name(request.kind)),
            mime_type=request.mime_type,
            size_bytes=request.size_bytes,
        )
        return request_proof_upload(flow, file, proofs=self.proofs, respond=mapping.proof_upload_message)

    def Deliver(self, request: messages.DeliverRequest, flow: Flow) -> Message:
        handover = Handover(
            order_id=parse_id(request.order_id, field="order_id"),
            proof=_proof(request.proof) if request.HasField("proof") else None,
        )
        return deliver(
            flow,
            handover,
            terms=self.terms,
            orders=self.orders,
            proofs=self.proofs,
            respond=mapping.delivery_message,
        )

    def CollectCash(self, request: messages.CollectCashRequest, flow: Flow) -> Message:
        collection = Collection(
            order_id=parse_id(request.order_id, field="order_id"),
            amount_cents=request.amount_cents,
            currency=request.currency,
        )
        return collect_cash(flow, collection, orders=self.orders, cash=self.cash, respond=mapping.delivery_message)

    def _deliveries(
        self, tx: Tx, rows: Sequence[AnyDelivery], page: Page, following: str
    ) -> messages.ListDeliveriesResponse:
        goods = read_goods(tx, [row.order_id for row in rows], orders=self.orders, soon=True)
        return mapping.deliveries_message(rows, goods, page, following)


def _proof(message: messages.ProofOfDelivery) -> Proof:
    return Proof(
        kind=ProofKind(messages.ProofKind.Value.Name(message.kind)),
        media_id=parse_id(message.media_id, field="proof.media_id") if message.media_id else None,
        code=message.code,
    )
