"""Deliver: the proof is checked and attached in media, commerce moves the order, then the agent's own record follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from meshkit.errors import MeshError, NotFound, ValidationError
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.delivery.data import assignments, proof_uploads
from services.fulfillment.delivery.domain.proof import FILES, MAX_CODE_FAILURES, Proof, ProofKind, ProofPolicy
from services.fulfillment.delivery.flows.ask_commerce import advance, read_order, record_order
from services.fulfillment.delivery.usecases.check_delivery_code import check_delivery_code
from services.fulfillment.delivery.usecases.read_my_assignment import read_my_assignment
from services.fulfillment.errors import DeliveryCodeLocked, ProofNotUsable, ProofRequired

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from meshkit.flow import Flow
    from services.fulfillment.delivery.data.deliveries import AgentDelivery
    from services.fulfillment.delivery.domain.order import Order
    from services.fulfillment.outbound.ports import Orders, Proofs


@dataclass(frozen=True)
class ProofTerms:
    """What a proof has to be, and the secret of the codes."""

    policy: ProofPolicy
    code_key: bytes


@dataclass(frozen=True)
class Handover:
    """An order that was handed over, and what proves it."""

    order_id: uuid.UUID
    proof: Proof | None


def deliver(
    flow: Flow,
    handover: Handover,
    *,
    terms: ProofTerms,
    orders: Orders,
    proofs: Proofs,
    respond: Callable[[AgentDelivery], Message],
) -> Message:
    """Deliver the calling agent's order; again keeps the first time and proof.

    Raises NotFound for another agent's order or file, DeliveryReassigned, DeliveryStateInvalid, ProofRequired, ProofNotUsable,
    DeliveryCodeWrong, DeliveryCodeLocked, ValidationError, DependencyUnavailable.
    """
    with flow.read() as tx:
        before = read_my_assignment(tx, order_id=handover.order_id)
    order = None
    if before.delivery_time is None:
        order = _hand_over(flow, before, handover.proof, terms=terms, orders=orders, proofs=proofs)
    with flow.transaction() as tx:
        if order is not None:
            record_order(tx, order, caller=flow.principal.require_user, step="deliver")
        mine = read_my_assignment(tx, order_id=handover.order_id)
        after = {"step": "deliver", "order_status": mine.order_status, "proof_kind": mine.proof_kind}
        tx.audit(target=handover.order_id, after={**after, "proof_media_id": str(mine.proof_media_id or "")})
        return flow.complete(tx, respond(mine))


def _hand_over(
    flow: Flow, delivery: AgentDelivery, proof: Proof | None, *, terms: ProofTerms, orders: Orders, proofs: Proofs
) -> Order:
    """Return the order after commerce took the step; the proof is recorded before commerce is asked."""
    if delivery.unassigned_at is not None:
        return read_order(flow, delivery, orders=orders, taken_by=lambda order: order.steps.delivered_by)
    if delivery.proof_kind:
        # An earlier try came as far as its proof, and perhaps further: then that proof stays.
        order = orders.read(flow.call, delivery.order_id)
        if order.steps.delivered_by == flow.principal.require_user:
            return order
    if not _is_on_record(delivery, proof):
        _accept(flow, delivery, proof, terms=terms, proofs=proofs)
        with flow.transaction() as tx:
            assignments.record_proof(tx, delivery.assignment_id, **_columns(proof))
    try:
        return advance(flow, delivery.order_id, step="deliver", orders=orders)
    except MeshError as error:
        if not error.retryable:
            if FILES & {delivery.proof_kind, proof.kind if proof else ""}:
                proofs.detach(flow.call, order_id=delivery.order_id, store_id=delivery.vendor_store_id)
            with flow.transaction() as tx:
                assignments.record_proof(tx, delivery.assignment_id, **_columns(None))
        raise


def _is_on_record(delivery: AgentDelivery, proof: Proof | None) -> bool:
    """Return whether this proof was accepted at an earlier try, as its code may have been replaced since.

    With no proof, any that was accepted counts.
    """
    if proof is None:
        return bool(delivery.proof_kind)
    return _columns(proof) == {"kind": delivery.proof_kind, "media_id": delivery.proof_media_id}


class _Columns(TypedDict):
    kind: str
    media_id: uuid.UUID | None


def _columns(proof: Proof | None) -> _Columns:
    if proof is None:
        return {"kind": "", "media_id": None}
    return {"kind": proof.kind.value, "media_id": proof.media_id if proof.kind in FILES else None}


def _accept(flow: Flow, delivery: AgentDelivery, proof: Proof | None, *, terms: ProofTerms, proofs: Proofs) -> None:
    if not terms.policy.is_met_by(proof.kind if proof else None):
        raise ProofRequired(demanded=terms.policy.value)
    if proof is None:
        if delivery.code_failures >= MAX_CODE_FAILURES:
            # The code was guessed at: that the buyer has the goods must be shown in another way.
            raise DeliveryCodeLocked
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
        file = proof_uploads.Announced(proof.media_id, delivery.order_id, flow.principal.require_user, proof.kind)
        is_announced = proof_uploads.is_announced(tx, file)
    if not is_announced:
        raise NotFound
    try:
        proofs.attach(flow.call, order_id=delivery.order_id, store_id=delivery.vendor_store_id, media_id=proof.media_id)
    except RemoteRefusal as refusal:
        raise ProofNotUsable(refusal.message) from None
