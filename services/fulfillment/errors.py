"""Fulfillment's refusals, one class per value of its ErrorReason."""

from __future__ import annotations

from marketmesh.fulfillment.v1 import error_reason_pb2
from meshkit.errors import MeshError

_REASONS = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]


class DeliveryStateInvalid(MeshError, enum=_REASONS, reason="DELIVERY_STATE_INVALID"):
    """The order's state does not allow the step."""


class PaymentMismatch(MeshError, enum=_REASONS, reason="PAYMENT_MISMATCH"):
    """The money is not what the order costs; the order goes on hold."""


class PaymentFinal(MeshError, enum=_REASONS, reason="PAYMENT_FINAL"):
    """No money can be taken for the order any more."""


class ProofRequired(MeshError, enum=_REASONS, reason="PROOF_REQUIRED"):
    """Deliveries must be proven here, or by another proof than this."""


class ProofNotUsable(MeshError, enum=_REASONS, reason="PROOF_NOT_USABLE"):
    """The file has not been uploaded, or is not what it was announced as."""


class DeliveryCodeWrong(MeshError, enum=_REASONS, reason="DELIVERY_CODE_WRONG"):
    """It is not the buyer's code; the attempt counts."""


class DeliveryCodeLocked(MeshError, enum=_REASONS, reason="DELIVERY_CODE_LOCKED"):
    """Too many wrong codes were entered."""


class CashCollectedOtherwise(MeshError, enum=_REASONS, reason="CASH_COLLECTED_OTHERWISE"):
    """The order's cash is collected, as another sum or by another agent."""


class DeliveryReassigned(MeshError, enum=_REASONS, reason="DELIVERY_REASSIGNED"):
    """The order was given to another agent."""


class PickupRunning(MeshError, enum=_REASONS, reason="PICKUP_RUNNING"):
    """The agent is just picking the order up."""
