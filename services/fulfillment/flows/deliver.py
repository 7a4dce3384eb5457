"""Deliver: the proof is checked and attached in media, commerce moves the order, then the agent's own record follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import MeshError, NotFound, ValidationError
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.data import deliveries, proof_uploads
from services.fulfillment.domain.proof import FILES, Proof, ProofKind, ProofPolicy
from services.fulfillment.errors import ProofNotUsable, ProofRequired
from services.fulfillment.flows.pick_up import advance, status_name, take_over_order
from services.fulfillment.usecases.delivery_codes import check_delivery_code
from services.fulfillment.usecases.read_deliveries import read_my_delivery

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.fulfillment.outbound.ports import Orders, Proofs


@dataclass(frozen=True)
class ProofTerms:
    """What a proof has to be, and the secret of the codes."""

    policy: ProofPolicy
    code_key: bytes


@dataclass(frozen=True)
class Handover:
    """An order in its buyer's hands, and what shows it."""

    order_id: uuid.UUID
    proof: Proof | None


def deliver(
    flow: Flow,
    handover: Handover,
    *,
    terms: ProofTerms,
    orders: Orders,
    proofs: Proofs,
    respond: Callable[[Any], Message],
) -> Message:
    """Deliver the calling agent's order; again keeps the first time and proof.

    Raises NotFound for another agent's order or file, DeliveryStateInvalid, ProofRequired, ProofNotUsable,
    DeliveryCodeWrong, DeliveryCodeLocked, ValidationError, DependencyUnavailable.
    """
    agent, order_id = flow.principal.require_user, handover.order_id
    with flow.read() as tx:
        known = read_my_delivery(tx, order_id=order_id)
    proof = handover.proof if known.delivery_time is None else None
    if known.delivery_time is None:
        _accept(flow, known, proof, terms=terms, proofs=proofs)
    try:
        order = advance(flow, order_id, step="deliver", orders=orders)
    except MeshError as error:
        if proof and proof.kind in FILES and not error.retryable:
            proofs.detach(flow.call, order_id=order_id, store_id=known.vendor_store_id)
        raise
    shown = {"proof_kind": proof.kind.value if proof else "", "proof_media_id": proof.media_id if proof else None}
    with flow.transaction() as tx:
        deliveries.note_step(tx, order_id, agent, column="delivery_time", **shown)
        take_over_order(tx, order)
        media_id = str(proof.media_id) if proof and proof.media_id else ""
        told = {"step": "deliver", "order_status": status_name(order), "proof_kind": shown["proof_kind"]}
        tx.audit(target=order_id, after={**told, "proof_media_id": media_id})
        return flow.complete(tx, respond(read_my_delivery(tx, order_id=order_id)))


def _accept(flow: Flow, delivery: Any, proof: Proof | None, *, terms: ProofTerms, proofs: Proofs) -> None:
    if not terms.policy.is_met_by(proof.kind if proof else None):
        raise ProofRequired(demanded=terms.policy.value)
    if proof is None:
        return
    if proof.kind is ProofKind.CODE:
        if not proof.code:
            raise ValidationError.of("proof.code", "is the six digits on the buyer's order")
        with flow.transaction() as tx:
            check_delivery_code(tx, order_id=delivery.order_id, code=proof.code, key=terms.code_key)
        return
    if proof.media_id is None:
        raise ValidationError.of("proof.media_id", f"a {proof.kind} is a file")
    with flow.read() as tx:
        announced = proof_uploads.is_announced(
            tx,
            media_id=proof.media_id,
            order_id=delivery.order_id,
            agent_user_id=flow.principal.require_user,
            kind=proof.kind,
        )
    if not announced:
        raise NotFound
    try:
        proofs.attach(flow.call, order_id=delivery.order_id, store_id=delivery.vendor_store_id, media_id=proof.media_id)
    except RemoteRefusal as refusal:
        raise ProofNotUsable(refusal.message) from None
