"""Announce a photo or signature of a delivery in media. Both steps are safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshkit.errors import ValidationError
from meshkit.grpc.channel import RemoteRefusal
from meshkit.ids import derived_id
from services.fulfillment.delivery.data import proof_uploads
from services.fulfillment.delivery.domain.proof import ProofKind
from services.fulfillment.delivery.usecases.read_my_delivery import read_my_delivery
from services.fulfillment.errors import DeliveryStateInvalid

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Proofs, ProofUpload

# A proof may be taken from the pickup on; the order need not be delivered in the system yet.
_ALLOWED = ("in_transit",)


@dataclass(frozen=True)
class ProofFile:
    """An image, as it is announced."""

    order_id: uuid.UUID
    kind: ProofKind
    mime_type: str
    size_bytes: int


def request_proof_upload(
    flow: Flow, file: ProofFile, *, proofs: Proofs, respond: Callable[[ProofUpload], Message]
) -> Message:
    """Return where the calling agent puts the image of an order. It belongs to the vendor's store.

    Raises NotFound for another agent's order, DeliveryStateInvalid, ValidationError for what is no image.
    """
    agent, media_id = flow.principal.require_user, derived_id(flow.id, "proof")
    # Recorded before media is asked: a repeat of the flow goes on with what was allowed then, whatever the order's state is by now.
    with flow.transaction() as tx:
        delivery = read_my_delivery(tx, order_id=file.order_id)
        announced = proof_uploads.Announced(media_id, file.order_id, agent, file.kind)
        if not proof_uploads.is_announced(tx, announced):
            if delivery.order_status not in _ALLOWED:
                raise DeliveryStateInvalid(state=delivery.order_status, allowed=", ".join(_ALLOWED))
            proof_uploads.add(tx, announced)
    try:
        upload = proofs.presign(
            flow.call,
            media_id=media_id,
            store_id=delivery.vendor_store_id,
            user_id=agent,
            mime_type=file.mime_type,
            file_name=f"{file.kind}-of-order-{delivery.order_number}",
            size_bytes=file.size_bytes,
        )
    except RemoteRefusal as refusal:
        with flow.transaction() as tx:
            proof_uploads.withdraw(tx, media_id=media_id)
        if refusal.code == "INVALID_ARGUMENT":
            raise ValidationError.of("mime_type", "must be an image's") from None
        raise
    with flow.transaction() as tx:
        tx.audit(target=file.order_id, after={"media_id": str(media_id), "kind": file.kind})
        return flow.complete(tx, respond(upload))
