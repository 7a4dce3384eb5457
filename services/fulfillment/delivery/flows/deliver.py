"""Deliver: the proof is checked and attached in media, commerce moves the order, then the agent's own record follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.crash import crash_point
from meshkit.errors import MeshError, NotFound, ValidationError
from meshkit.grpc.channel import RemoteRefusal
from services.fulfillment.delivery.data import deliveries, proof_uploads
from services.fulfillment.delivery.domain.proof import FILES, MAX_CODE_FAILURES, Proof, ProofKind, ProofPolicy
from services.fulfillment.delivery.flows.ask_commerce import advance, keep_order, read_order, steps_of_order
from services.fulfillment.delivery.usecases.delivery_codes import check_delivery_code
from services.fulfillment.delivery.usecases.read_deliveries import read_ever_mine
from services.fulfillment.errors import DeliveryCodeLocked, ProofNotUsable, ProofRequired

if TYPE_CHECKING:
    import uuid

    from google.protobuf.message import Message

    from marketmesh.commerce.v1.order_pb2 import Order
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

    Raises NotFound for another agent's order or file, DeliveryReassigned, DeliveryStateInvalid, ProofRequired, ProofNotUsable,
    DeliveryCodeWrong, DeliveryCodeLocked, ValidationError, DependencyUnavailable.
    """
    with flow.read() as tx:
        known = read_ever_mine(tx, order_id=handover.order_id)
    order = None
    if known.delivery_time is None:
        order = _hand_over(flow, known, handover.proof, terms=terms, orders=orders, proofs=proofs)
    crash_point("deliver.advanced")
    with flow.transaction() as tx:
        if order is not None:
            keep_order(tx, order, caller=flow.principal.require_user, step="deliver")
        mine = read_ever_mine(tx, order_id=handover.order_id)
        told = {"step": "deliver", "order_status": mine.order_status, "proof_kind": mine.proof_kind}
        tx.audit(target=handover.order_id, after={**told, "proof_media_id": str(mine.proof_media_id or "")})
        return flow.complete(tx, respond(mine))


def _hand_over(
    flow: Flow, known: Any, proof: Proof | None, *, terms: ProofTerms, orders: Orders, proofs: Proofs
) -> Order:
    """Return the order after commerce took the step; a proof is on record before it is asked."""
    if known.unassigned_at is not None:
        return read_order(flow, known, orders=orders, taken_by=lambda order: steps_of_order(order).delivered_by)
    if known.proof_kind:
        # An earlier try came as far as its proof, and perhaps further: then that proof stays.
        order = orders.read(flow.call, known.order_id)
        if steps_of_order(order).delivered_by == flow.principal.require_user:
            return order
    if not _is_on_record(known, proof):
        _accept(flow, known, proof, terms=terms, proofs=proofs)
        with flow.transaction() as tx:
            deliveries.keep_proof(tx, known.assignment_id, **_columns(proof))
    crash_point("deliver.proven")
    try:
        return advance(flow, known.order_id, step="deliver", orders=orders)
    except MeshError as error:
        if not error.retryable:
            if FILES & {known.proof_kind, proof.kind if proof else ""}:
                proofs.detach(flow.call, order_id=known.order_id, store_id=known.vendor_store_id)
            with flow.transaction() as tx:
                deliveries.keep_proof(tx, known.assignment_id, **_columns(None))
        raise


def _is_on_record(known: Any, proof: Proof | None) -> bool:
    """Return whether an earlier try had this proof accepted: its code may have been replaced since. No other one is needed."""
    if proof is None:
        return bool(known.proof_kind)
    return _columns(proof) == {"kind": known.proof_kind, "media_id": known.proof_media_id}


def _columns(proof: Proof | None) -> dict[str, Any]:
    if proof is None:
        return {"kind": "", "media_id": None}
    return {"kind": proof.kind.value, "media_id": proof.media_id if proof.kind in FILES else None}


def _accept(flow: Flow, delivery: Any, proof: Proof | None, *, terms: ProofTerms, proofs: Proofs) -> None:
    if not terms.policy.is_met_by(proof.kind if proof else None):
        raise ProofRequired(demanded=terms.policy.value)
    if proof is None:
        if delivery.code_failures >= MAX_CODE_FAILURES:
            # Somebody guessed at the door: that the buyer has the goods must be shown in another way.
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
